"""When trials ran beside each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from nas.formatting import duration
from nas.schemas.panels import LegendPublic, SpanPublic, SpansPanel, TextPanel
from nas.store.figures import TrialSpan

UNITS = ((2 * 86400, "days", 86400), (2 * 3600, "hours", 3600), (2 * 60, "minutes", 60), (0, "seconds", 1))
"""The unit of time for spans of at least so many seconds, and its length."""


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
    times = [(span.created_at, end) for span, end in zip(spans, ends, strict=True)]
    nodes = [span.node for span in spans]
    rows = rows_by_node(times, nodes)
    shown = tuple(
        SpanPublic(
            start=(span.created_at - first) / length,
            end=(end - first) / length,
            row=row,
            text=f"trial {span.number}{_on(span.node)}: {span.status}, {duration(end - span.created_at)}",
            mark=span.status.value,
        )
        for span, end, row in zip(spans, ends, rows, strict=True)
    )
    marks = [
        mark for mark in ("completed", "pruned", "failed", "stopped", "running") if any(s.mark == mark for s in shown)
    ]
    newest = [f"The newest {len(spans):,} of {trials:,} trials."] if trials > len(spans) else []
    return SpansPanel(
        title="Timeline of trials",
        x_text=f"{unit} since trial {min(spans, key=lambda span: span.created_at).number} began",
        y_text="at the same time",
        spans=shown,
        legend=tuple(LegendPublic(mark=mark, text=mark) for mark in marks),
        notes=(" ".join([*newest, "A row is a place that one trial after the other took.", *_places(nodes, rows)]),),
    )


def _on(node: str | None) -> str:
    return "" if node is None else f" on {node}"


def _places(nodes: Sequence[str | None], rows: Sequence[int]) -> Iterator[str]:
    """Say which rows belong to which node."""
    of_node: dict[str | None, set[int]] = {}
    for node, row in zip(nodes, rows, strict=True):
        of_node.setdefault(node, set()).add(row + 1)
    known = sorted(node for node in of_node if node is not None)
    if known:
        yield "; ".join(f"{node}: {_range(of_node[node])}" for node in known) + "."
    if None in of_node:
        yield f"{_range(of_node[None])}: of trials whose node is not known.".capitalize()


def _range(rows: Collection[int]) -> str:
    first, last = min(rows), max(rows)
    return f"row {first}" if first == last else f"rows {first} to {last}"


def rows_by_node(spans: Sequence[tuple[float, float]], nodes: Sequence[str | None]) -> list[int]:
    """Choose a row for each span as `rows_of` does, with rows of its own for each node.

    Args:
        spans: Start and end of each.
        nodes: Where each ran; None where that is not known, in rows after all others.
    """
    rows, used = [0] * len(spans), 0
    for node in sorted(set(nodes), key=lambda node: (node is None, node or "")):
        here = [index for index, other in enumerate(nodes) if other == node]
        for index, row in zip(here, rows_of(spans[index] for index in here), strict=True):
            rows[index] = used + row
        used = max(rows[index] for index in here) + 1
    return rows


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
