"""When trials ran beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nas.formatting import duration
from nas.schemas.panels import LegendPublic, SpanPublic, SpansPanel, TextPanel
from nas.store.records import TrialSpan

UNITS = ((2 * 86400, "days", 86400), (2 * 3600, "hours", 3600), (2 * 60, "minutes", 60), (0, "seconds", 1))
"""The unit of time for spans of at least so many seconds, and its length."""

_NOT_KNOWN = "The node of a trial is not recorded: a row is a place that one trial after the other took."


def timeline_panel(spans: Sequence[TrialSpan], trials: int) -> SpansPanel | TextPanel:
    """Make the chart of trials over time, in as many rows as ran at the same time.

    A trial that runs is drawn up to the last change of any of the trials.

    Args:
        spans: Of the newest trials that ran, in the order of numbers.
        trials: Number of all trials of the search.
    """
    if not spans:
        return TextPanel(title="Timeline", lines=("no trial has begun yet",), style="muted")
    first, last = min(span.created_at for span in spans), max(span.updated_at for span in spans)
    unit, length = next((unit, length) for least, unit, length in UNITS if last - first >= least)
    ends = [max(span.created_at, last if span.finished_at is None else span.finished_at) for span in spans]
    rows = rows_of([(span.created_at, end) for span, end in zip(spans, ends, strict=True)])
    shown = tuple(
        SpanPublic(
            start=(span.created_at - first) / length,
            end=(end - first) / length,
            row=row,
            text=f"trial {span.number}: {span.status}, {duration(end - span.created_at)}",
            mark=span.status.value,
        )
        for span, end, row in zip(spans, ends, rows, strict=True)
    )
    marks = [
        mark for mark in ("completed", "pruned", "failed", "stopped", "running") if any(s.mark == mark for s in shown)
    ]
    newest = f"The newest {len(spans):,} of {trials:,} trials. " if trials > len(spans) else ""
    return SpansPanel(
        title="Timeline of trials",
        x_text=f"{unit} since trial {min(spans, key=lambda span: span.created_at).number} began",
        y_text="at the same time",
        spans=shown,
        legend=tuple(LegendPublic(mark=mark, text=mark) for mark in marks),
        notes=(newest + _NOT_KNOWN,),
    )


def rows_of(spans: Iterable[tuple[float, float]]) -> list[int]:
    """Choose a row for each span such that spans of one row do not overlap, in as few rows as there can be.

    Args:
        spans: Start and end of each.

    Returns:
        The row of each, from 0; each span takes the lowest row that is free at its start.
    """
    known = list(spans)
    rows, free = [0] * len(known), list[float]()
    for place in sorted(range(len(known)), key=lambda index: known[index]):
        start, end = known[place]
        row = next((row for row, until in enumerate(free) if until <= start), len(free))
        if row == len(free):
            free.append(end)
        free[row] = end
        rows[place] = row
    return rows
