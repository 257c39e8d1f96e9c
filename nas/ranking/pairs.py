"""The same architectures at two fidelities: a search's own scores beside those of its full-scale evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.stats import rankdata

from nas.ranking.candidates import Candidate, places
from nas.ranking.report import Ranking, Sampling, rank
from nas.results.measurement import Measurement
from nas.results.status import TrialStatus
from nas.specs.training_free import TRAINING_FREE_SOURCES, TrainingFreeProxy
from nas.store.figures import RungPoint
from nas.store.records import TrialRecord

Point = Measurement | RungPoint
"""One point of a learning curve: its iteration, score (of the search's first objective) and device-seconds."""


@dataclass(frozen=True, slots=True)
class FullScore:
    """What one architecture scored at full scale, over its seeds.

    Attributes:
        seeds: Seeds with a completed trial, ascending.
        scores: One score for each of `seeds`: the value of the evaluation's objective.
        device_seconds: Mean for one seed.
    """

    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    device_seconds: float

    @property
    def score(self) -> float:
        return fmean(self.scores)

    @property
    def spread(self) -> float | None:
        """Sample standard deviation (n - 1) over the seeds; None with one seed."""
        return stdev(self.scores) if len(self.scores) > 1 else None


@dataclass(frozen=True, slots=True)
class JoinedPair:
    """One architecture with its proxy score and its full-scale score.

    Attributes:
        candidate: The architecture as the search measured it.
        full: The architecture's full-scale scores.
        proxy_rank: Among the pairs of the ranking: 1 is best, ties at their mean rank.
        full_rank: Likewise, by full-scale score.
    """

    candidate: Candidate
    full: FullScore
    proxy_rank: float
    full_rank: float


def full_scores(trials: Iterable[TrialRecord]) -> dict[str, FullScore]:
    """Full-scale scores of the completed trials by architecture key; a repeated (key, seed) counts once."""
    found: dict[str, dict[int, TrialRecord]] = {}
    for trial in trials:
        if trial.status is TrialStatus.COMPLETED:
            found.setdefault(trial.architecture_key, {}).setdefault(trial.seed, trial)
    return {key: _full_score([by_seed[seed] for seed in sorted(by_seed)]) for key, by_seed in found.items()}


def _full_score(trials: Sequence[TrialRecord]) -> FullScore:
    scores = tuple(trial.value for trial in trials if trial.value is not None)
    assert len(scores) == len(trials), "a completed trial has a score"
    seconds = fmean(trial.device_seconds or 0.0 for trial in trials)
    return FullScore(tuple(trial.seed for trial in trials), scores, seconds)


def join(candidates: Iterable[Candidate], full: Mapping[str, FullScore]) -> list[JoinedPair]:
    """Pair each candidate with its full-scale score; unmeasured candidates are left out, the best at full scale first.

    Args:
        candidates: Distinct architectures of a search.
        full: Full-scale scores by architecture key.
    """
    both = [
        (candidate, full[candidate.architecture_key]) for candidate in candidates if candidate.architecture_key in full
    ]
    place = places(candidate for candidate, _ in both)
    proxy = _ranks([place[candidate.trial] for candidate, _ in both])
    at_full = _ranks([score.score for _, score in both])
    pairs = [JoinedPair(*pair, *ranks) for pair, ranks in zip(both, zip(proxy, at_full, strict=True), strict=True)]
    return sorted(pairs, key=lambda pair: (pair.full_rank, pair.candidate.trial))


def _ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value: 1 for the highest, ties at their mean rank."""
    return [float(rank) for rank in rankdata([-value for value in values])]


def rank_pairs(pairs: Sequence[JoinedPair], sampling: Sampling) -> Ranking:
    """Rank the pairs with the search's own order as the proxy: a deeper rung first, then a higher score."""
    place = places(pair.candidate for pair in pairs)
    triples = [(place[pair.candidate.trial], pair.full.score, pair.candidate.device_seconds) for pair in pairs]
    return _rank(triples, sampling)


def rank_rungs(
    pairs: Sequence[JoinedPair],
    curves: Mapping[int, Sequence[Point]],
    rungs: Iterable[int],
    sampling: Sampling,
) -> dict[int, Ranking]:
    """How well the scores at each rung order the pairs that reached that rung.

    Early stopping lets only the better trials reach a later rung, so n falls from rung to rung and the range of the
    scores is restricted: values of rho at different rungs cannot be compared directly.

    Args:
        pairs: Architectures with both scores.
        curves: Learning curves by trial number. An architecture with several trials counts with their mean.
        rungs: Iterations.
        sampling: How the architectures of the pairs were chosen.

    Returns:
        One ranking for each rung, by iteration.
    """
    return {rung: _rank(_at_rung(pairs, curves, rung), sampling) for rung in rungs}


def _at_rung(
    pairs: Sequence[JoinedPair], curves: Mapping[int, Sequence[Point]], rung: int
) -> list[tuple[float, float, float]]:
    found = []
    for pair in pairs:
        points = [p for number in pair.candidate.trials for p in curves.get(number, ()) if p.iteration == rung]
        if points:
            score, seconds = fmean(p.score for p in points), fmean(p.device_seconds for p in points)
            found.append((score, pair.full.score, seconds))
    return found


def rank_training_free(
    full: Mapping[str, float],
    scores: Mapping[str, Mapping[str, tuple[float, float]]],
    names: Iterable[TrainingFreeProxy],
    sampling: Sampling,
) -> dict[TrainingFreeProxy, Ranking]:
    """How well each training-free score, times its documented sign, orders the full-scale scores.

    A score that orders backwards keeps its negative rho: no sign is turned round after the fact.

    Args:
        full: Full-scale scores by architecture key.
        scores: Training-free scores as (value, seconds), by architecture key, then by name.
        names: The training-free scores to rank.
        sampling: How the architectures were chosen.

    Returns:
        One ranking for each of `names`.
    """
    found = {}
    for name in names:
        sign = TRAINING_FREE_SOURCES[name].sign
        values = [(scores[key][name], score) for key, score in full.items() if name in scores.get(key, {})]
        found[name] = _rank([(sign * value, score, seconds) for (value, seconds), score in values], sampling)
    return found


def _rank(triples: Sequence[tuple[float, float, float]], sampling: Sampling) -> Ranking:
    """Rank (cheap score, full-scale score, seconds) triples, one for each architecture."""
    mean_seconds = fmean(seconds for _, _, seconds in triples) if triples else None
    return rank(((cheap, full) for cheap, full, _ in triples), sampling, mean_seconds)
