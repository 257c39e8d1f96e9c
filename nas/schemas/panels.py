"""Panels: what is shown of a search beside its trials, as the REST interface answers it, ready to be drawn.

Every text is final, numbers in it formatted; who draws a panel need not know which kind of search it is of.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypeAliasType

from nas.schemas.base import PublicModel

Mark: TypeAlias = Literal["best", "completed", "pruned", "running", "failed", "stopped"]
"""How a line or point is drawn: the best one, or as a trial of this status."""


class LinePublic(PublicModel):
    """One line of a chart."""

    text: str = Field(description="Its name, shown at its points.")
    mark: Mark
    points: tuple[tuple[float, float], ...] = Field(description="(x, y), ascending in x.")


class LegendPublic(PublicModel):
    """What a mark means in one chart."""

    mark: Mark
    text: str


class PointPublic(PublicModel):
    """One point of a scatter chart."""

    x: float
    y: float
    text: str = Field(description="What is shown at it.")
    mark: Mark


class ColumnPublic(PublicModel):
    """The head of a table's column."""

    text: str
    numeric: bool = Field(False, description="Its cells hold numbers, which stand below each other.")


class LinesPanel(PublicModel):
    """Lines over a whole number such as the epoch, from 0 on; drawn in their order."""

    type: Literal["lines"] = "lines"
    title: str
    x_text: str = Field(description="What the horizontal axis counts.")
    lines: tuple[LinePublic, ...]
    legend: tuple[LegendPublic, ...] = ()


class ScatterPanel(PublicModel):
    """One number against another."""

    type: Literal["scatter"] = "scatter"
    title: str
    x_text: str
    y_text: str
    points: tuple[PointPublic, ...]


class TablePanel(PublicModel):
    """A table; a row has a text for each column."""

    type: Literal["table"] = "table"
    title: str
    columns: tuple[ColumnPublic, ...]
    rows: tuple[tuple[str, ...], ...]


class TrellisPanel(PublicModel):
    """A network's path over its layers, drawn on the places that a layer can stand at."""

    type: Literal["trellis"] = "trellis"
    title: str
    levels: tuple[str, ...] = Field(description="The resolution of each level, finest first: 1/4, 1/8, ...")
    places: tuple[int, ...] = Field(description="Of each layer, on how many levels from the finest on it can stand.")
    path: tuple[int, ...] = Field(description="Level of each layer; before the first layer the path is at level 0.")


class TextPanel(PublicModel):
    """Lines of text; `style` code is a fixed-width font, muted a remark."""

    type: Literal["text"] = "text"
    title: str | None = None
    lines: tuple[str, ...]
    style: Literal["plain", "muted", "code"] = "plain"


SinglePanel = TypeAliasType(
    "SinglePanel",
    Annotated[LinesPanel | ScatterPanel | TablePanel | TrellisPanel | TextPanel, Field(discriminator="type")],
)
"""A panel that stands alone or in a row."""


class RowPanel(PublicModel):
    """Panels side by side, where there is room."""

    type: Literal["row"] = "row"
    panels: tuple[SinglePanel, ...]


Panel = TypeAliasType(
    "Panel",
    Annotated[
        LinesPanel | ScatterPanel | TablePanel | TrellisPanel | TextPanel | RowPanel, Field(discriminator="type")
    ],
)
"""Whatever is shown of a search beside its trials."""
