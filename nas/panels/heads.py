"""The panel of a reference search: a table of its heads."""

from __future__ import annotations

from collections.abc import Iterable

from nas.formatting import score
from nas.ranking.reference_table import Difference, ReferenceRow
from nas.schemas.panels import ColumnPublic, Panel, TablePanel

_COLUMNS = ("Parameters", "Multiply-adds", "mIoU", "Spread", "Seeds", "To the trunk")


def heads_panels(rows: Iterable[ReferenceRow]) -> tuple[Panel, ...]:
    """Make the table of a reference search: size of each head, mIoU over the seeds, difference to the bare trunk."""
    columns = (ColumnPublic(text="Head"), *(ColumnPublic(text=name, numeric=True) for name in _COLUMNS))
    return (TablePanel(title="Heads", columns=columns, rows=tuple(_row(row) for row in rows)),)


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
