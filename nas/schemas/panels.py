"""Panels: the tables and charts that a page shows beside the trials of a search, ready to be drawn.

Numbers in texts are formatted; whoever draws a panel need not know the kind of the search.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypeAliasType

from nas.schemas.base import PublicModel

Mark: TypeAlias = Literal[
    "best",
    "completed",
    "pruned",
    "running",
    "failed",
    "stopped",
    "series1",
    "series2",
    "series3",
    "series4",
    "series5",
    "series6",
    "series7",
    "series8",
]
"""How a line or point is drawn: as the best one, like trials of a status, or in a colour of its own among several."""

SERIES: tuple[Mark, ...] = (
    "series1",
    "series2",
    "series3",
    "series4",
    "series5",
    "series6",
    "series7",
    "series8",
)
"""The marks of lines or points that are told apart by their colours."""


class LinePublic(PublicModel):
    """One line of a chart."""

    text: str = Field(description="Name of the line, shown at its points.")
    mark: Mark
    points: tuple[tuple[float, float], ...] = Field(description="(x, y), ascending in x.")


class LegendPublic(PublicModel):
    """The meaning of a mark in one chart."""

    mark: Mark
    text: str


class PointPublic(PublicModel):
    """One point of a scatter chart."""

    x: float
    y: float
    text: str = Field(description="Shown at the point.")
    mark: Mark
    label: str | None = Field(None, description="Written beside the point; null for a point without a name.")
    low: float | None = Field(None, description="Lower end of the interval around `y`; null without one.")
    high: float | None = Field(None, description="Upper end of that interval.")


class ColumnPublic(PublicModel):
    """The header of a column of a table."""

    text: str
    numeric: bool = Field(False, description="Whether the cells are numbers, to be shown with digits of equal width.")


class _Axes(PublicModel):
    """What charts have in common."""

    title: str
    x_text: str = Field(description="Text of the horizontal axis.")
    x_log: bool = Field(False, description="Whether the horizontal axis is logarithmic; all x are then above 0.")
    y_log: bool = Field(False, description="Whether the vertical axis is logarithmic; all y are then above 0.")
    legend: tuple[LegendPublic, ...] = ()


class LinesPanel(_Axes):
    """A chart of lines over a number such as the epoch, from 0 on; lines are drawn in their order."""

    type: Literal["lines"] = "lines"
    y_text: str | None = Field(None, description="Text of the vertical axis; null where the title says it.")
    lines: tuple[LinePublic, ...]
    steps: bool = Field(False, description="Whether a line keeps its height until its next point.")


class ScatterPanel(_Axes):
    """A scatter chart: one number against another, and steps through some of the points."""

    type: Literal["scatter"] = "scatter"
    y_text: str
    points: tuple[PointPublic, ...]
    lines: tuple[LinePublic, ...] = Field((), description="Lines drawn as steps, such as the front of the best points.")


class TablePanel(PublicModel):
    """A table; each row has one text for each column."""

    type: Literal["table"] = "table"
    title: str
    columns: tuple[ColumnPublic, ...]
    rows: tuple[tuple[str, ...], ...]


class BarPublic(PublicModel):
    """One bar of a bar chart."""

    text: str
    value: float | None = Field(description="Length of the bar, in [0, 1]; null without a bar.")
    value_text: str


class BarsPanel(PublicModel):
    """Horizontal bars, one below the other, each from 0 to at most 1."""

    type: Literal["bars"] = "bars"
    title: str
    bars: tuple[BarPublic, ...]


class IntervalPublic(PublicModel):
    """One named row of intervals: a value, its interval, the single results behind it."""

    text: str = Field(description="Name of the row.")
    value: float | None = Field(description="Null without a result.")
    low: float | None = Field(None, description="Lower end of the interval around `value`; null without one.")
    high: float | None = Field(None, description="Upper end of that interval.")
    points: tuple[float, ...] = Field((), description="The single results that `value` summarises.")
    value_text: str = Field(description="Value and interval in words.")
    mark: Mark = "completed"


class IntervalsPanel(PublicModel):
    """Rows of intervals on one horizontal axis, one below the other."""

    type: Literal["intervals"] = "intervals"
    title: str
    x_text: str = Field(description="Text of the horizontal axis.")
    rows: tuple[IntervalPublic, ...]
    zero: bool = Field(False, description="Whether a line marks 0, which the axis then includes.")


class TrellisPanel(PublicModel):
    """The path of an Auto-DeepLab network through the trellis of its search space, layer by layer."""

    type: Literal["trellis"] = "trellis"
    title: str
    levels: tuple[str, ...] = Field(description="Resolution of each level, finest first: 1/4, 1/8, ...")
    places: tuple[int, ...] = Field(description="Number of levels that each layer can have, counted from the finest.")
    path: tuple[int, ...] = Field(description="Level of each layer; before the first layer the path is at level 0.")


class TextPanel(PublicModel):
    """Lines of text."""

    type: Literal["text"] = "text"
    title: str | None = None
    lines: tuple[str, ...]
    style: Literal["plain", "muted", "code"] = Field("plain", description="muted: a remark; code: a fixed-width font.")


SinglePanel = TypeAliasType(
    "SinglePanel",
    Annotated[
        LinesPanel | ScatterPanel | IntervalsPanel | BarsPanel | TablePanel | TrellisPanel | TextPanel,
        Field(discriminator="type"),
    ],
)
"""A panel that is not a row of panels."""


class RowPanel(PublicModel):
    """Panels side by side, where there is room."""

    type: Literal["row"] = "row"
    panels: tuple[SinglePanel, ...]


Panel = TypeAliasType(
    "Panel",
    Annotated[
        LinesPanel | ScatterPanel | IntervalsPanel | BarsPanel | TablePanel | TrellisPanel | TextPanel | RowPanel,
        Field(discriminator="type"),
    ],
)
"""Any panel."""
