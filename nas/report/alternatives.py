"""What the charts of a report show, in words for those who do not see them."""

from __future__ import annotations

from collections.abc import Sequence

from nas.formatting import counted
from nas.schemas.panels import BarsPanel, IntervalsPanel, LinesPanel, ScatterPanel, SpansPanel

FEW, MOST = 4, 40
"""Lines or best points that are named, and rows that are written out."""


def lines_text(panel: LinesPanel) -> str:
    """Say between which values the lines of a chart run, and where each of a few ends."""
    values = [y for line in panel.lines for _, y in line.points]
    last = [f"{line.text} ends at {line.points[-1][1]:.4g}" for line in panel.lines if line.points]
    said = _what(panel.title, panel.x_text, values, counted(len(values), "point"))
    return f"{said}; {', '.join(last)}" if 0 < len(last) <= FEW else said


def scatter_text(panel: ScatterPanel) -> str:
    """Say between which values the points of a chart lie, and which are its best."""
    best = [point.text for point in panel.points if point.mark == "best"]
    word = next((entry.text for entry in panel.legend if entry.mark == "best"), "best")
    values = [point.y for point in panel.points]
    said = _what(panel.title, panel.x_text, values, counted(len(values), "point"))
    return f"{said}; {word}: {_listed(best, FEW)}" if best else said


def bars_text(panel: BarsPanel) -> str:
    """Name each bar of a chart with its value."""
    return f"{panel.title}: {_listed([f'{bar.text} {bar.value_text}'.strip() for bar in panel.bars], MOST)}"


def intervals_text(panel: IntervalsPanel) -> str:
    """Name each row of a chart with its value and interval."""
    rows = [f"{row.text} {row.value_text}".strip() for row in panel.rows]
    return f"{panel.title}, by {panel.x_text}: {_listed(rows, MOST)}"


def spans_text(panel: SpansPanel) -> str:
    """Say between which ends the spans of a chart lie."""
    ends = [end for span in panel.spans for end in (span.start, span.end)]
    return _what(panel.title, panel.x_text, ends, counted(len(panel.spans), "span"))


def _what(title: str, x_text: str, values: Sequence[float], number: str) -> str:
    between = f" from {min(values):.4g} to {max(values):.4g}" if values else ""
    return f"{title}, by {x_text}: {number}{between}"


def _listed(texts: Sequence[str], most: int) -> str:
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")
