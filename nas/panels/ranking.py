"""Panels of a full-scale evaluation: its scores against the search's, and how well cheap scores order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nas.formatting import score
from nas.panels.associations import association_cells, association_columns
from nas.schemas.panels import Panel, PointPublic, RowPanel, ScatterPanel, TablePanel, TextPanel

# Only the types: numpy and scipy, which the computations need, would take most of the service's start.
if TYPE_CHECKING:
    from nas.ranking.pairs import JoinedPair
    from nas.ranking.search_ranking import SearchRanking


def ranking_panels(result: SearchRanking) -> tuple[Panel, ...]:
    """Make a chart of the scores at both fidelities, a table of rank correlations, and the ranking's warnings."""
    chart = ScatterPanel(
        title="Score at full scale against the search's",
        x_text="mIoU in the search",
        y_text="mIoU at full scale",
        points=tuple(_point(pair) for pair in result.pairs),
    )
    table = TablePanel(title="How well it orders", columns=association_columns(""), rows=tuple(_rows(result)))
    notes = (*((result.ranking.reason,) if result.ranking.reason else ()), *result.warnings)
    return (RowPanel(panels=(chart, table)), *((TextPanel(lines=notes, style="muted"),) if notes else ()))


def _point(pair: JoinedPair) -> PointPublic:
    candidate, full = pair.candidate, pair.full
    return PointPublic(
        x=candidate.score,
        y=full.score,
        text=f"trial {candidate.trial}: {score(candidate.score)}, at full scale {score(full.score)}",
        mark="best" if pair.full_rank == 1 else "completed",
    )


def _rows(result: SearchRanking) -> Iterator[tuple[str, ...]]:
    yield ("the search's order", *association_cells(result.ranking))
    for iteration, rung in result.rungs.items():
        yield (f"score at {iteration}", *association_cells(rung))
    for name, proxy in result.training_free.items():
        yield (name.replace("_", " "), *association_cells(proxy))
