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


class PanelBase(PublicModel):
    """What all panels have in common."""

    part: Literal["answer", "analysis"] = Field(
        "answer",
        description="Where a page shows it: above the trials' curves, as what the search was for; or below them, as an "
        "analysis of its trials.",
    )


class _Axes(PanelBase):
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


class TablePanel(PanelBase):
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
    colour: str | None = Field(None, description="Of what the bar is about, as `#rrggbb`; null without one.")


class BarsPanel(PanelBase):
    """Horizontal bars, one below the other, each from 0 to at most 1."""

    type: Literal["bars"] = "bars"
    title: str
    bars: tuple[BarPublic, ...]
    notes: tuple[str, ...] = Field((), description="Remarks below the bars.")


class IntervalPublic(PublicModel):
    """One named row of intervals: a value, its interval, the single results behind it."""

    text: str = Field(description="Name of the row.")
    value: float | None = Field(description="Null without a result.")
    low: float | None = Field(None, description="Lower end of the interval around `value`; null without one.")
    high: float | None = Field(None, description="Upper end of that interval.")
    points: tuple[float, ...] = Field((), description="The single results that `value` summarises.")
    value_text: str = Field(description="Value and interval in words.")
    mark: Mark = "completed"


class ValueLinePublic(PublicModel):
    """A line across a chart, at one value of its horizontal axis."""

    x: float
    text: str = Field(description="What the value is, for the legend.")
    mark: Mark


class IntervalsPanel(PanelBase):
    """Rows of intervals on one horizontal axis, one below the other."""

    type: Literal["intervals"] = "intervals"
    title: str
    x_text: str = Field(description="Text of the horizontal axis.")
    rows: tuple[IntervalPublic, ...]
    zero: bool = Field(False, description="Whether a line marks 0, which the axis then includes.")
    lines: tuple[ValueLinePublic, ...] = Field((), description="Further lines across all rows, within the axis.")


class SpanPublic(PublicModel):
    """A span of a horizontal axis, in one of several rows."""

    start: float
    end: float
    row: int = Field(description="From 0.")
    text: str = Field(description="Shown at the span.")
    mark: Mark


class SpansPanel(_Axes):
    """Spans in rows, such as the times in which trials ran."""

    type: Literal["spans"] = "spans"
    y_text: str
    spans: tuple[SpanPublic, ...]
    notes: tuple[str, ...] = Field((), description="Remarks below the chart.")


class ChoicePublic(PublicModel):
    """One choice that a search makes in each of its architectures."""

    text: str
    short: str = Field(description="The same in few letters.")
    values: tuple[str, ...] = Field(description="Texts of the values of its axis, in their order.")
    group: str = Field(
        "",
        description="What it is about, where there are too many choices for one chart: those of a group are drawn "
        "together.",
    )


class ChosenPublic(PublicModel):
    """What one trial chose, and its value of the search's first objective."""

    number: int
    value: float = Field(description="Of the first objective, at the iteration that the panel's title names.")
    text: str = Field(description="Shown at the trial.")
    mark: Mark
    values: tuple[int, ...] = Field(description="Position among the values of each choice, in the order of `choices`.")


class ChoicesPanel(PanelBase):
    """Trials by what they chose: drawn as score against one choice, and as lines through all choices."""

    type: Literal["choices"] = "choices"
    title: str
    choices: tuple[ChoicePublic, ...]
    y_text: str = Field(description="The search's first objective, in words.")
    trials: tuple[ChosenPublic, ...] = Field(description="Ascending in value.")
    notes: tuple[str, ...] = Field((), description="Remarks below the charts.")


class DrawingPanel(PanelBase):
    """The drawing of an architecture, which the service makes as SVG at a path of its own."""

    type: Literal["drawing"] = "drawing"
    title: str
    path: str = Field(description="Of the drawing at this service: /v1/...")
    file: str = Field(description="Name of the file that the drawing is saved as.")


class PicturePublic(PublicModel):
    """A picture."""

    path: str = Field(description="Where the service has it.")
    text: str = Field(description="What it shows, for those who do not see it.")
    smooth: bool = Field(description="Whether it may be smoothed when it is enlarged; a class map may not.")


class PictureRowPublic(PublicModel):
    """Pictures side by side, one for each column."""

    text: str
    pictures: tuple[PicturePublic, ...]


class SwatchPublic(PublicModel):
    """The meaning of a colour."""

    colour: str = Field(description="As `#rrggbb`.")
    text: str


class PicturesPanel(PanelBase):
    """Rows of pictures under the headers of their columns, with a legend of their colours."""

    type: Literal["pictures"] = "pictures"
    title: str
    columns: tuple[str, ...]
    rows: tuple[PictureRowPublic, ...]
    legend: tuple[SwatchPublic, ...]


class LinkPublic(PublicModel):
    """A line of text, of which a part may lead somewhere."""

    text: str
    link: str | None = Field(None, description="The part that leads somewhere, behind the text.")
    target: str | None = Field(None, description="Where to, on the service's page: `#/SEARCH` or `#/SEARCH/TRIAL`.")


class LinksPanel(PanelBase):
    """Lines that lead to other pages."""

    type: Literal["links"] = "links"
    title: str
    links: tuple[LinkPublic, ...]


class CommandPublic(PublicModel):
    """A command or a piece of code, to be copied."""

    text: str = Field(description="What it is for.")
    command: str


class CommandsPanel(PanelBase):
    """Commands to be copied, one by one."""

    type: Literal["commands"] = "commands"
    title: str
    commands: tuple[CommandPublic, ...]


class AskPanel(PanelBase):
    """A question that a click asks: a search of its own then finds the answer."""

    type: Literal["ask"] = "ask"
    title: str
    lines: tuple[str, ...] = Field(description="What is asked, and what that costs.")
    button: str = Field(description="Text of the button.")
    path: str = Field(description="POST to this path asks it: /v1/...")


class TextPanel(PanelBase):
    """Lines of text."""

    type: Literal["text"] = "text"
    title: str | None = None
    lines: tuple[str, ...]
    style: Literal["plain", "muted", "code"] = Field("plain", description="muted: a remark; code: a fixed-width font.")
    pending: bool = Field(
        False, description="Whether panels are being made anew that are not here yet: ask again in a few seconds."
    )


SinglePanel = TypeAliasType(
    "SinglePanel",
    Annotated[
        LinesPanel
        | ScatterPanel
        | IntervalsPanel
        | SpansPanel
        | ChoicesPanel
        | BarsPanel
        | TablePanel
        | DrawingPanel
        | PicturesPanel
        | LinksPanel
        | CommandsPanel
        | AskPanel
        | TextPanel,
        Field(discriminator="type"),
    ],
)
"""A panel that is not a row of panels."""


class RowPanel(PanelBase):
    """Panels side by side, where there is room."""

    type: Literal["row"] = "row"
    panels: tuple[SinglePanel, ...]


Panel = TypeAliasType(
    "Panel",
    Annotated[
        LinesPanel
        | ScatterPanel
        | IntervalsPanel
        | SpansPanel
        | ChoicesPanel
        | BarsPanel
        | TablePanel
        | DrawingPanel
        | PicturesPanel
        | LinksPanel
        | CommandsPanel
        | AskPanel
        | TextPanel
        | RowPanel,
        Field(discriminator="type"),
    ],
)
"""Any panel."""
