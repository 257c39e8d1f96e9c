"""Panels of a full-scale evaluation: its scores against the search's, and how well cheap scores order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nas.formatting import compared_text, counted, interval, score
from nas.panels.associations import association_cells, association_columns, numeric
from nas.ranking.outliers import outliers
from nas.schemas.panels import (
    ColumnPublic,
    LegendPublic,
    LinePublic,
    Mark,
    Panel,
    PointPublic,
    RowPanel,
    ScatterPanel,
    TablePanel,
    TextPanel,
)

# Only the types: numpy and scipy, which the computations need, would take most of the service's start.
if TYPE_CHECKING:
    from nas.ranking.pairs import JoinedPair
    from nas.ranking.report import Ranking
    from nas.ranking.search_ranking import SearchRanking

_SAMPLES = {
    "stratified": "spread over all scores",
    "top": "the search's best",
    "explicit": "named by hand",
    "all": "all that the search scored",
}


def ranking_panels(result: SearchRanking) -> tuple[Panel, ...]:
    """Make the panels of a ranking: what it says, the pairs with outliers by name, rho by rung, and warnings."""
    named = outliers([(pair.proxy_rank, pair.full_rank) for pair in result.pairs])
    table = TablePanel(title="How well it orders", columns=association_columns(""), rows=tuple(_rows(result)))
    by_rung = _by_rung(result)
    return (
        TextPanel(lines=tuple(sentences(result))),
        RowPanel(panels=(_pairs(result.pairs, named, result.goals.text), table if by_rung is None else by_rung)),
        *((table,) if by_rung is not None else ()),
        *((_outliers([result.pairs[place] for place in named]),) if named else ()),
        *((TextPanel(lines=result.warnings, style="muted"),) if result.warnings else ()),
    )


def sentences(result: SearchRanking) -> Iterator[str]:
    """Say how well the search orders: rho with its interval, the sample, and what choosing by the search costs."""
    ranking = result.ranking
    if ranking.spearman is None or ranking.interval is None:
        yield f"There is no correlation to report: {ranking.reason}."
        return
    sample = f"{ranking.n} of {result.chosen} chosen architectures, {_SAMPLES[ranking.sampling]}"
    span = interval(ranking.interval.low, ranking.interval.high)
    yield f"Spearman's rho is {ranking.spearman:.2f}, with a 95 % interval from {span} ({sample})."
    if ranking.regret is not None and ranking.winner_rank is not None:
        lost = "loses nothing" if ranking.regret == 0 else f"loses {ranking.regret:.4f} {result.goals.text}"
        yield (
            f"Taking the search's best {lost} against the best at full scale, which has rank {ranking.winner_rank:g} "
            "in the search."
        )
    yield compared_text(result.goals.text, result.goals.direction)


def _pairs(pairs: Sequence[JoinedPair], named: Sequence[int], objective: str) -> ScatterPanel:
    legend = [LegendPublic(mark="best", text="best at full scale")]
    legend += [LegendPublic(mark="failed", text="ordered worst")] if named else []
    return ScatterPanel(
        title="Score at full scale against the search's",
        x_text=f"{objective} in the search",
        y_text=f"{objective} at full scale",
        points=tuple(_point(pair, place in named) for place, pair in enumerate(pairs)),
        legend=tuple(legend) if pairs else (),
    )


def _point(pair: JoinedPair, outlier: bool) -> PointPublic:
    candidate, full = pair.candidate, pair.full
    spread = full.spread
    within = "" if spread is None else f" ± {spread:.4f} over {counted(len(full.scores), 'seed')}"
    mark: Mark = "best" if pair.full_rank == 1 else "failed" if outlier else "completed"
    return PointPublic(
        x=candidate.score,
        y=full.score,
        text=f"trial {candidate.trial}: {score(candidate.score)}, at full scale {score(full.score)}{within}",
        mark=mark,
        label=f"#{candidate.trial}" if outlier or pair.full_rank == 1 else None,
        low=None if spread is None else full.score - spread,
        high=None if spread is None else full.score + spread,
    )


def _by_rung(result: SearchRanking) -> ScatterPanel | None:
    """The correlation of each rung's scores with its interval; None where not two rungs have one."""
    points = [_rho(iteration, rung) for iteration, rung in result.rungs.items() if rung.spearman is not None]
    if len(points) < 2:
        return None
    ends = (points[0].x, points[-1].x)
    zero = LinePublic(text="no order", mark="stopped", points=tuple((x, 0.0) for x in ends))
    return ScatterPanel(
        title="How well the scores at each rung order",
        x_text="iterations",
        y_text="rho",
        x_log=ends[1] > 20 * ends[0],
        points=tuple(points),
        lines=(zero,),
    )


def _rho(iteration: int, rung: Ranking) -> PointPublic:
    assert rung.spearman is not None
    low, high = (None, None) if rung.interval is None else (rung.interval.low, rung.interval.high)
    span = "" if rung.interval is None else f", 95 % {interval(rung.interval.low, rung.interval.high)}"
    text = f"iteration {iteration}: rho {rung.spearman:.2f}{span}, n {rung.n}"
    return PointPublic(x=iteration, y=rung.spearman, text=text, mark="completed", low=low, high=high)


def _outliers(pairs: Sequence[JoinedPair]) -> TablePanel:
    names = ("In the search", "Rank", "At full scale", "Rank")
    columns = (numeric("Trial"), *map(numeric, names), ColumnPublic(text="Architecture"))
    return TablePanel(title="Ordered worst", columns=columns, rows=tuple(map(_outlier, pairs)))


def _outlier(pair: JoinedPair) -> tuple[str, ...]:
    candidate, full = pair.candidate, pair.full
    ranked = (score(candidate.score), f"{pair.proxy_rank:g}", score(full.score), f"{pair.full_rank:g}")
    return (f"#{candidate.trial}", *ranked, candidate.first.text)


def _rows(result: SearchRanking) -> Iterator[tuple[str, ...]]:
    yield ("the search's order", *association_cells(result.ranking))
    for iteration, rung in result.rungs.items():
        yield (f"score at {iteration}", *association_cells(rung))
    for name, proxy in result.training_free.items():
        yield (name.replace("_", " "), *association_cells(proxy))
