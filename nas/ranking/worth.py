"""Is a search worth it? What it is expected to gain over heads of the textbooks, from a few heads at its first rung."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas.ranking.confirmation import SIZE_RATIO
from nas.ranking.correlation import Floats
from nas.ranking.population import Populations, populations, seed_deviation, shrunk

LEVEL = 0.8
"""Of the interval of the gain."""

SURE = 0.9
"""Probability from which on the answer is a plain yes or no."""

LEAST_CELLS = 6
"""Fewer random architectures say nothing of the best of many."""

DRAWS = 2_000
_ELEMENTS = 4_000_000
"""Simulated trials of all draws together, so that a search of many trials needs no gigabytes."""

Answer: TypeAlias = Literal["worth it", "not worth it", "open"]


@dataclass(frozen=True)
class Relation:
    """What is known beforehand of how true scores at the first rung and at the last one are related.

    All are for one doubling of the iterations; of several doublings means add up, and so do variances.

    Attributes:
        loss: Mean of the loss in: correlation of the true scores at the two rungs = exp(-loss). Its own uncertainty is
            that of a gamma distribution of shape `LOSS_SHAPE`.
        growth: Of the logarithm of (spread at the last rung / spread at the first): its mean where seeds agree fully at
            the first rung, how much more it is where they do not agree at all (in between by the reliability), and its
            standard deviation. Where seeds do not agree, little is learned yet.
        family: Standard deviation of what all reference heads gain or lose together on the cells, in spreads.
        decay: Mean and standard deviation of the exponent a in: noise at the last rung = noise at the first times
            (first / last)^a; the same for any number of doublings.
        lead: Range of the share, evenly distributed in it, that is left of what a reference head is ahead of the best
            of `LEADERS` cells at the first rung; the same for any number of doublings. Wider heads learn faster, and
            such a lead says less of the last rung than differences between cells do.
    """

    loss: float = 0.14
    growth: tuple[float, float, float] = (0.05, 0.8, 0.12)
    family: float = 0.3
    decay: tuple[float, float] = (0.17, 0.3)
    lead: tuple[float, float] = (0.0, 1.0)


LOSS_SHAPE = 2.5

LEADERS = 40
"""Random cells beyond the best of which nothing is known from cells."""

RELATION = Relation()
"""As found on the 324 recorded heads: cells of 5 and of 3 branches, two data sets, rungs 25 to 100 against 200.

There a doubling lost 0.03 to 0.25, spreads grew by 0.06 to 0.68 (0.05 + 0.8 (1 - reliability), within 0.15), noise
changed by an exponent of -0.32 to 0.68, and the textbook's heads of the cells' width moved by -0.29 to 0.71 spreads, by
0.28 in the root mean square. Of the lead of wider heads beyond the best cells 0 to 0.95 were left.
"""


@dataclass(frozen=True)
class Planned:
    """The search that is asked about.

    Attributes:
        trials: Number of architectures.
        keep: Share of them that early stopping lets go on from the first rung; 1 without early stopping.
        first: Iterations of the first rung.
        last: Iterations of the last rung.
    """

    trials: int
    keep: float
    first: int
    last: int


@dataclass(frozen=True)
class Sample:
    """Heads that were measured at the first rung.

    Attributes:
        scores: mIoU, (heads, seeds), at least two seeds.
        multiply_adds: Of one forward pass, (heads,).
    """

    scores: Floats
    multiply_adds: Floats


@dataclass(frozen=True)
class Worth:
    """What a search is expected to gain, in mIoU at its last rung.

    Attributes:
        gain: Expected true score of the search's best minus that of the best reference head of its size.
        low: Lower end of the interval (`LEVEL`) of the gain that the search will have.
        high: Its upper end.
        seed_deviation: Expected standard deviation of a score over seeds at the last rung.
        probability: That the gain is at least one such deviation.
        answer: `worth it` or `not worth it` where the probability is above `SURE` or below 1 - `SURE`, else `open`.
        first_deviation: Standard deviation over seeds at the first rung, as measured.
        spread: Standard deviation of the cells' true scores at the first rung (expected).
        reliability: Correlation between seeds that this spread and noise give at the first rung.
        best: Place of the reference head with the highest mean at the first rung.
        flattery: How far its mean is above what is expected of the best one's true score there.
        matched: Share of the draws in which a reference head is of the found one's size (within `SIZE_RATIO`).
    """

    gain: float
    low: float
    high: float
    seed_deviation: float
    probability: float
    answer: Answer
    first_deviation: float
    spread: float
    reliability: float
    best: int
    flattery: float
    matched: float


def expected_gain(
    cells: Sample, references: Sample, planned: Planned, relation: Relation = RELATION, seed: int = 0
) -> Worth:
    """Estimate what a search gains over the best reference head of the found one's size.

    What the cells' scores say of the space is made into draws of what the space may be (`nas.ranking.population`). In
    each draw the search is carried out: random architectures, early stopping by noisy scores at the first rung, the
    best by noisy scores at the last. The true scores of the reference heads are drawn likewise, so that the best of
    them is not flattered either. A strategy that learns may gain more than random proposals do.

    Args:
        cells: Random architectures of the search's space.
        references: Heads of the textbooks.
        planned: The search.
        relation: What is known beforehand of the two rungs.
        seed: Of the draws.

    Raises:
        ValueError: Too few architectures, no reference head, or a single seed.
    """
    return foresee(learn(cells, references, _draws(planned.trials), seed), planned, relation, seed)


@dataclass(frozen=True)
class Learned:
    """What heads that were measured at the first rung say of that rung, whatever the search.

    Attributes:
        cells: The random architectures.
        references: The heads of the textbooks.
        deviation: Standard deviation over seeds, as measured.
        space: What the space may be, a draw each.
        heads: True scores of the reference heads, (draws, references).
    """

    cells: Sample
    references: Sample
    deviation: float
    space: Populations
    heads: Floats


def learn(cells: Sample, references: Sample, draws: int = DRAWS, seed: int = 0) -> Learned:
    """Learn what the first rung of a space is like: the part of `expected_gain` that is the same for all searches.

    Raises:
        ValueError: As for `expected_gain`.
    """
    _check(cells, references)
    rng = np.random.default_rng(seed)
    measured = np.concatenate([cells.scores, references.scores])
    deviation = seed_deviation(measured)
    if deviation == 0:
        raise ValueError(
            "all seeds have equal scores, so there is no noise to compare a gain with: measure other seeds"
        )
    freedom = len(measured) * (measured.shape[1] - 1)
    noise = deviation * np.sqrt(freedom / rng.chisquare(freedom, draws))
    space = populations(cells.scores, noise, rng)
    return Learned(cells, references, deviation, space, shrunk(references.scores, space.noise, rng))


def foresee(learned: Learned, planned: Planned, relation: Relation = RELATION, seed: int = 0) -> Worth:
    """Carry a search out in each draw of what was learned: the other part of `expected_gain`."""
    rng = np.random.default_rng([seed, planned.trials])
    cells, references, space, drawn = learned.cells, learned.references, learned.space, learned.heads
    ahead = _Ahead(space, planned, relation, rng)
    found = ahead.search()
    of_size, matched = _of_size(cells, references, len(found), rng)
    gains = found - np.where(of_size, ahead.heads(drawn), -np.inf).max(axis=1)
    low, high = np.quantile(gains, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    probability = float(np.mean(gains >= ahead.noise))
    means = references.scores.mean(axis=1)
    return Worth(
        gain=float(gains.mean()),
        low=float(low),
        high=float(high),
        seed_deviation=float(ahead.noise.mean()),
        probability=probability,
        answer="worth it" if probability >= SURE else "not worth it" if probability <= 1 - SURE else "open",
        first_deviation=learned.deviation,
        spread=float(space.spread.mean()),
        reliability=float(space.reliability.mean()),
        best=int(means.argmax()),
        flattery=float(means.max() - drawn.max(axis=1).mean()),
        matched=matched,
    )


def _check(cells: Sample, references: Sample) -> None:
    if len(cells.scores) < LEAST_CELLS:
        raise ValueError(
            f"{len(cells.scores)} random architectures have a score, and at least {LEAST_CELLS} are needed to say what "
            "the best of many is like"
        )
    if not len(references.scores):
        raise ValueError("no reference head has a score, so there is nothing to gain over")
    if cells.scores.shape[1] < 2 or references.scores.shape[1] < 2:
        raise ValueError("with one seed nothing tells differences between heads from noise: measure two seeds")


def _draws(trials: int) -> int:
    return max(200, min(DRAWS, _ELEMENTS // trials))


class _Ahead:
    """The last rung, as it may turn out in each draw."""

    def __init__(self, space: Populations, planned: Planned, relation: Relation, rng: np.random.Generator) -> None:
        draws = len(space.mean)
        self._space, self._planned, self._rng = space, planned, rng
        doublings = math.log2(planned.last / planned.first)
        loss = relation.loss * doublings * rng.gamma(LOSS_SHAPE, 1 / LOSS_SHAPE, draws)
        self._rho = np.exp(-loss)[:, None]
        base, more, deviation = relation.growth
        mean = base + more * (1 - space.reliability)
        growth = mean * doublings + deviation * math.sqrt(doublings) * rng.standard_normal(draws)
        self._spread = (space.spread * np.exp(growth))[:, None]
        self._family = relation.family * math.sqrt(doublings) * rng.standard_normal((draws, 1))
        self._lead = rng.uniform(*relation.lead, (draws, 1)) if doublings else 1.0
        exponent = rng.normal(*relation.decay, draws)
        self.noise = space.noise * (planned.first / planned.last) ** exponent

    def search(self) -> Floats:
        """True score of what the search finds, less the mean of its space; (draws,)."""
        trials = self._planned.trials
        first = self._space.standard(self._rng, trials)
        last = self._later(first)
        shown = last + self.noise[:, None] * self._rng.standard_normal(last.shape)
        going_on = max(1, math.ceil(self._planned.keep * trials))
        if going_on < trials:
            seen = self._space.spread[:, None] * first
            seen += self._space.noise[:, None] * self._rng.standard_normal(seen.shape)
            stopped = np.argpartition(seen, trials - going_on, axis=1)[:, : trials - going_on]
            np.put_along_axis(shown, stopped, -np.inf, axis=1)
        best: Floats = np.take_along_axis(last, shown.argmax(axis=1)[:, None], axis=1)[:, 0]
        return best

    def heads(self, scores: Floats) -> Floats:
        """True scores of given heads with such true scores at the first rung, less the mean; (draws, heads)."""
        spread = np.maximum(self._space.spread[:, None], 1e-12)
        first = (scores - self._space.mean[:, None]) / spread
        best = self._space.standard(self._rng, LEADERS).max(axis=1, keepdims=True)
        ahead = np.maximum(first - best, 0)
        return self._later(first - (1 - self._lead) * ahead) + self._family * self._spread

    def _later(self, first: Floats) -> Floats:
        own = self._space.standard(self._rng, first.shape[1])
        later: Floats = self._spread * (self._rho * first + np.sqrt(1 - self._rho**2) * own)
        return later


def _of_size(
    cells: Sample, references: Sample, draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], float]:
    """Choose the reference heads that what is found is compared with: those of its size, or all where none is.

    The found one is as large as one of the better half of the cells.

    Returns:
        (draws, references), and the share of draws with a reference head of that size.
    """
    better = np.argsort(-cells.scores.mean(axis=1))[: max(1, len(cells.scores) // 2)]
    size = references.multiply_adds / cells.multiply_adds[rng.choice(better, draws)][:, None]
    of_size = (size >= 1 / SIZE_RATIO) & (size <= SIZE_RATIO)
    none = ~of_size.any(axis=1, keepdims=True)
    return of_size | none, float(1 - none.mean())
