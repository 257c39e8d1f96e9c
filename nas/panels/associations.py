"""Table cells for how well one number orders architectures, shared by rankings and calibrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas.formatting import cost, interval
from nas.schemas.panels import ColumnPublic

# Only the type: numpy and scipy, which the computations need, would take most of the service's start.
if TYPE_CHECKING:
    from nas.ranking.report import Ranking


def association_columns(first: str, *last: str) -> tuple[ColumnPublic, ...]:
    """Make the columns of a table: names under `first`, then those of `association_cells`, then `last`."""
    return (ColumnPublic(text=first), *(numeric(name) for name in ("rho", "95 %", "n", "Cost", *last)))


def numeric(text: str) -> ColumnPublic:
    """Make a column of numbers."""
    return ColumnPublic(text=text, numeric=True)


def association_cells(ranking: Ranking) -> tuple[str, str, str, str]:
    """Format a rank correlation, its 95 % interval, the number of architectures, and the cost of one of them."""
    return (
        "" if ranking.spearman is None else f"{ranking.spearman:.2f}",
        "" if ranking.interval is None else interval(ranking.interval.low, ranking.interval.high),
        str(ranking.n),
        cost(ranking.device_seconds),
    )
