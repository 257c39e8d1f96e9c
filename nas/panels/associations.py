"""Cells of a table that say how well one number orders architectures: the same for rankings and calibrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas.formatting import cost, interval
from nas.schemas.panels import ColumnPublic

# Only the type: numpy and scipy, which the computations need, would take most of the service's start.
if TYPE_CHECKING:
    from nas.ranking.report import Ranking


def association_columns(first: str, *last: str) -> tuple[ColumnPublic, ...]:
    """The heads of `association_cells`, between a first column of names and what else there is."""
    return (ColumnPublic(text=first), *(numeric(name) for name in ("rho", "95 %", "n", "Cost", *last)))


def numeric(text: str) -> ColumnPublic:
    """The head of a column of numbers."""
    return ColumnPublic(text=text, numeric=True)


def association_cells(ranking: Ranking, device_seconds: float | None) -> tuple[str, str, str, str]:
    """Rank correlation, its interval, the number of architectures, what the number costs for one of them."""
    return (
        "" if ranking.spearman is None else f"{ranking.spearman:.2f}",
        "" if ranking.interval is None else interval(ranking.interval.low, ranking.interval.high),
        str(ranking.n),
        cost(device_seconds),
    )
