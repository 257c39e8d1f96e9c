"""How well a search's scores predict full scale: by its final order, rung by rung, and by training-free scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from nas.formatting import counted
from nas.ranking.candidates import scored
from nas.ranking.pairs import (
    JoinedPair,
    Point,
    full_scores,
    join,
    rank_pairs,
    rank_rungs,
    rank_training_free,
)
from nas.ranking.report import Ranking, Sampling
from nas.specs import MIOU, FullScaleSpec, Goals, TrainingFreeProxy
from nas.store.records import TrialRecord


@dataclass(frozen=True, slots=True)
class SearchRanking:
    """How well a search orders its architectures by their full-scale scores.

    Attributes:
        ranking: By the search's own order.
        pairs: Architectures with both scores, the best at full scale first.
        chosen: Number of architectures chosen for full scale, measured or not.
        rungs: How well the scores at each rung order the pairs, by iteration.
        training_free: How well each training-free score orders the pairs, by name.
        full_seconds: Mean device-seconds of one architecture of the pairs at full scale, one seed; None without pairs.
        warnings: Sentences for the reader of the ranking.
        goals: Of the search: scores are values of the first objective.
    """

    ranking: Ranking
    pairs: tuple[JoinedPair, ...]
    chosen: int
    rungs: Mapping[int, Ranking]
    training_free: Mapping[TrainingFreeProxy, Ranking]
    full_seconds: float | None
    warnings: tuple[str, ...]
    goals: Goals = MIOU

    @property
    def share(self) -> float | None:
        """The proxy's cost as a fraction of the full-scale cost."""
        seconds = self.ranking.device_seconds
        return seconds / self.full_seconds if seconds is not None and self.full_seconds else None


def rank_search(  # noqa: PLR0917  all that a ranking is computed from
    trials: Sequence[TrialRecord],
    curves: Mapping[int, Sequence[Point]],
    rungs: Sequence[int],
    full_scale: Sequence[tuple[FullScaleSpec, Sequence[TrialRecord]]],
    training_free: Mapping[str, Mapping[str, tuple[float, float]]],
    others: bool = False,
    goals: Goals = MIOU,
) -> SearchRanking:
    """Rank a search against its full-scale evaluations.

    Args:
        trials: All trials of the search that have an architecture chosen for full scale; further ones do no harm.
        curves: Learning curves of these trials by trial number.
        rungs: Rungs of the search's fidelity, in iterations.
        full_scale: Spec and trials of each full-scale evaluation, all at one fidelity.
        training_free: Training-free scores as (value, seconds), by architecture key, then by name.
        others: Whether the search has scored further architectures, beside those of `trials`.
        goals: Of the search; scores of curves are values of its first objective.
    """
    candidates = scored(trials)
    chosen = {number for spec, _ in full_scale for number in spec.trials}
    everything = not others and chosen >= {candidate.trial for candidate in candidates}
    sampling, note = _sampling([spec for spec, _ in full_scale], everything)
    full = full_scores(trial for _, measured in full_scale for trial in measured)
    pairs = join(candidates, full)
    names = dict.fromkeys(name for spec, _ in full_scale for name in spec.training_free)
    ranking = rank_pairs(pairs, sampling)
    by_key = {pair.candidate.architecture_key: pair.full.score for pair in pairs}
    by_rung = rank_rungs(pairs, curves, rungs, sampling)
    waiting = sorted(chosen - {number for pair in pairs for number in pair.candidate.trials})
    return SearchRanking(
        ranking=replace(ranking, reason=_reason(ranking, len(chosen))),
        pairs=tuple(pairs),
        chosen=len(chosen),
        rungs=by_rung,
        training_free=rank_training_free(by_key, training_free, names, sampling),
        full_seconds=fmean(pair.full.device_seconds for pair in pairs) if pairs else None,
        warnings=(
            *ranking.warnings,
            *note,
            *_other_objectives([spec for spec, _ in full_scale], goals),
            *_missing(waiting, len(chosen)),
            *_shrinking(by_rung),
        ),
        goals=goals,
    )


def _sampling(specs: Sequence[FullScaleSpec], everything: bool) -> tuple[Sampling, tuple[str, ...]]:
    """How the joined sample was drawn, and a warning where its parts were drawn in different ways."""
    if everything:
        return "all", ()
    ways = sorted({spec.sampling for spec in specs})
    if len(ways) == 1:
        return ways[0], ()
    return "explicit", (
        f"Samples drawn in different ways were joined ({', '.join(ways)}): they may not stand for all architectures. "
        "One alone is ranked with full_scale=ID.",
    )


def _other_objectives(specs: Sequence[FullScaleSpec], goals: Goals) -> tuple[str, ...]:
    """A warning where evaluations from before they had the search's objective are compared with it."""
    others = sorted({spec.goals.text for spec in specs} - {goals.text})
    if not others:
        return ()
    return (
        f"Full scale was scored by {', '.join(others)} and the search by {goals.text}: start another full-scale "
        "evaluation, which compares the same.",
    )


def _reason(ranking: Ranking, chosen: int) -> str | None:
    if ranking.n == 0:
        return f"nothing is measured at full scale yet, of {counted(chosen, 'chosen architecture')}"
    return ranking.reason


def _missing(waiting: Sequence[int], chosen: int) -> tuple[str, ...]:
    if not waiting:
        return ()
    named = ", ".join(map(str, waiting[:12])) + (", ..." if len(waiting) > 12 else "")
    return (f"{len(waiting)} of {chosen} chosen architectures have no full-scale score (yet): trials {named}.",)


def _shrinking(rungs: Mapping[int, Ranking]) -> tuple[str, ...]:
    counts = [rung.n for rung in rungs.values()]
    if len(set(counts)) < 2:
        return ()
    return (
        f"The rungs were reached by different numbers of architectures ({', '.join(map(str, counts))}): early stopping "
        "let the better ones continue, which lowers rho there. Compare rungs with care.",
    )
