"""Panels of a reference search: its heads with their spread, paired differences, and a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from nas.formatting import score
from nas.published import PublishedScore
from nas.ranking.reference_table import Difference, ReferenceRow
from nas.schemas.panels import ColumnPublic, IntervalPublic, IntervalsPanel, Panel, RowPanel, TablePanel, TextPanel

_COLUMNS = ("Parameters", "Multiply-adds", "mIoU", "Spread", "Seeds", "To the trunk")


Published: TypeAlias = Mapping[str, Sequence[PublishedScore]]


def heads_panels(rows: Iterable[ReferenceRow], published: Published | None = None) -> tuple[Panel, ...]:
    """Make the panels of a reference search: scores with their spread, differences to the bare trunk, the table.

    Args:
        rows: What the search measured of each head.
        published: Published scores in the same setting, by the architecture key of the head; they stand in a table of
            their own, with what the search measured beside them.
    """
    listed = list(rows)
    columns = (ColumnPublic(text="Head"), *(ColumnPublic(text=name, numeric=True) for name in _COLUMNS))
    table = TablePanel(title="Heads", columns=columns, rows=tuple(_row(row) for row in listed))
    charts = tuple(chart for chart in (_scores(listed), _differences(listed)) if chart.rows)
    return (*((RowPanel(panels=charts),) if charts else ()), table, *_published(listed, published or {}))


def _published(rows: Iterable[ReferenceRow], published: Published) -> Iterator[Panel]:
    found = [(row, paper) for row in rows for paper in published.get(row.architecture_key, ())]
    if not found:
        return
    names = (("Published mIoU", True), ("mIoU here", True), ("Source", False))
    columns = (ColumnPublic(text="Head"), *(ColumnPublic(text=name, numeric=number) for name, number in names))
    cells = tuple(
        (row.head, f"{paper.miou:.2f} %", "" if row.mean is None else f"{100 * row.mean:.2f} %", _source(paper))
        for row, paper in found
    )
    yield TablePanel(title="Published in the same setting", columns=columns, rows=cells)
    yield TextPanel(
        lines=(
            "Head, backbone, data set and measurement are the same, by their names. Papers train longer, so a lower "
            "score here is no finding about the head.",
        ),
        style="muted",
    )


def _source(paper: PublishedScore) -> str:
    return f"{paper.source.venue}, {paper.source.url}; {paper.where}"


def _scores(rows: Iterable[ReferenceRow]) -> IntervalsPanel:
    measured = [(row, row.mean) for row in rows if row.mean is not None]
    measured.sort(key=lambda pair: -pair[1])
    return IntervalsPanel(
        title="Heads, with the spread over seeds",
        x_text="mIoU ± standard deviation",
        rows=tuple(
            IntervalPublic(
                text=row.head,
                value=mean,
                low=None if row.spread is None else mean - row.spread,
                high=None if row.spread is None else mean + row.spread,
                points=tuple(row.scores.values()),
                value_text=score(mean) + ("" if row.spread is None else f" ± {row.spread:.4f}"),
                mark="best" if place == 0 else "completed",
            )
            for place, (row, mean) in enumerate(measured)
        ),
    )


def _differences(rows: Iterable[ReferenceRow]) -> IntervalsPanel:
    compared = [(row.head, row.difference) for row in rows if row.difference is not None]
    compared.sort(key=lambda pair: -pair[1].mean)
    return IntervalsPanel(
        title="Differences to the bare trunk, paired by seed",
        x_text="mIoU ± standard error",
        rows=tuple(
            IntervalPublic(
                text=head,
                value=found.mean,
                low=None if found.error is None else found.mean - found.error,
                high=None if found.error is None else found.mean + found.error,
                value_text=_difference(found),
            )
            for head, found in compared
        ),
        zero=True,
    )


def _row(row: ReferenceRow) -> tuple[str, ...]:
    return (
        row.head,
        "" if row.parameters is None else f"{row.parameters:,}",
        "" if row.multiply_adds is None else f"{row.multiply_adds / 1e6:,.1f} M",
        score(row.mean),
        score(row.spread),
        str(len(row.scores)),
        "" if row.difference is None else _difference(row.difference),
    )


def _difference(difference: Difference) -> str:
    error = "" if difference.error is None else f" ± {difference.error:.4f}"
    return f"{difference.mean:+.4f}{error}"
