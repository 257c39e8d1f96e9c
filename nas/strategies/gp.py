"""Bayesian optimisation with a Gaussian process over whole architectures, compared part by part."""

from __future__ import annotations

import bisect
import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from nas.specs import GpStrategy
from nas.strategies.base import Observation, SpaceStrategy
from nas.strategies.gaussian_process import fit, log_expected_improvement, posterior
from nas.strategies.spaces import A, Space
from nas.strategies.standings import Standings
from search_spaces.document import canonical

LEARNED = 1000
"""Most trials that a proposal learns from: its time grows with their cube."""

FITTED = 300
"""Most trials that length and noise are fitted to."""

UNIFORM, PARENTS, CHILDREN, ROUNDS = 200, 10, 20, 3
"""Candidates: uniform draws, and mutations of the best ones so far, the best of these mutated again, and so on."""


class GpSearch(SpaceStrategy[A]):
    """Proposes the architecture of the largest expected improvement under a Gaussian process over architectures.

    The space says what is similar: cells whose branches are, for instance. The process is fitted to ranks: the trial
    of rank k among n, in the order of `nas.results.standing`, has the value at which a normal distribution reaches
    (k - 1/2) / n. So trials that early stopping ended count as well, behind all that got further, and no score
    is compared with one at another rung. Trials in flight are expected to end as predicted. Failed trials teach
    nothing. Until `startup` trials have a score, proposals are uniform.

    A small space is searched in full. In a large one the candidates are uniform draws and mutations of what has the
    highest predicted means, then mutations of the best of these candidates, and so on.

    Source:
        Kandasamy et al., "Neural Architecture Search with Bayesian Optimisation and Optimal Transport", NeurIPS 2018,
        for a process over whole architectures. Normal quantiles of ranks: Salinas et al., "A Quantile-based Approach
        for Hyperparameter Transfer Learning", ICML 2020.
    """

    def __init__(self, space: Space[A], seed: int, strategy: GpStrategy) -> None:
        super().__init__(space, seed)
        self._strategy = strategy
        self._standings = Standings()
        self._scored: dict[int, Observation] = {}

    def _propose(self, number: int, rng: random.Random) -> A | None:  # noqa: ARG002  `rng` depends on it
        if len(self._scored) < self._strategy.startup:
            return None
        numbers, values = self._learned()
        model = _Model(
            self._space,
            [self._space.own(canonical(self._scored[number].architecture)) for number in numbers],
            values,
            self._running(),
        )
        if self._space.enumerable:
            return model.best([left for left in self._space.all() if left not in self._seen], 1)[0]
        found = dict.fromkeys(drawn for drawn in self._draws(rng) if self._is_new(drawn))
        parents: Sequence[A] = model.likely_best(PARENTS)
        for _ in range(ROUNDS):
            found |= dict.fromkeys(self._children(parents, rng))
            parents = model.best(list(found), PARENTS)
        return parents[0] if parents else None

    def _learn(self, observation: Observation) -> None:
        if observation.scored:
            self._standings.note(observation)
            self._scored[observation.number] = observation

    def _learned(self) -> tuple[list[int], NDArray[np.float64]]:
        """Choose trials to learn from, in the order of their numbers, and give each its normal quantile.

        Of too many, the better half of what is taken are the best ones, the others lie evenly below these.
        """
        standings = {number: self._standings.of(seen) for number, seen in self._scored.items()}
        order = sorted(standings.values())
        numbers = sorted(standings, key=lambda number: (standings[number], -number), reverse=True)
        if len(numbers) > LEARNED:
            top, rest = numbers[: LEARNED // 2], numbers[LEARNED // 2 :]
            numbers = top + [rest[i * len(rest) // (LEARNED // 2)] for i in range(LEARNED // 2)]
        numbers.sort()
        ranks = [_rank(order, standings[number]) for number in numbers]
        return numbers, ndtri(np.array(ranks) / len(order))

    def _running(self) -> list[A]:
        """The trials in flight, as the record has them, in the order of their numbers."""
        numbers = sorted(number for number in self._proposed if number not in self._ended)
        return [self._space.own(canonical(self._proposed[number])) for number in numbers[-LEARNED:]]

    def _draws(self, rng: random.Random) -> Iterator[A]:
        for _ in range(UNIFORM):
            yield self._space.sample(rng)

    def _children(self, parents: Iterable[A], rng: random.Random) -> Iterator[A]:
        for parent in parents:
            for _ in range(CHILDREN):
                child = self._space.mutate(parent, rng)
                if child is not None and self._is_new(child):
                    yield child


class _Model(Generic[A]):
    """A Gaussian process that knows the trials so far."""

    def __init__(
        self, space: Space[A], measured: Sequence[A], values: NDArray[np.float64], running: Sequence[A]
    ) -> None:
        self._space, self._measured, self._values = space, measured, values
        self._known, self._pending = [*measured, *running], len(running)
        self._similarities = space.similarity(self._known, self._known)
        chosen = np.unique(np.linspace(0, len(measured) - 1, min(len(measured), FITTED)).astype(int))
        self._fitted = fit(self._similarities[np.ix_(chosen, chosen)], values[chosen] - values[chosen].mean())
        self._means = self._predict(self._similarities[: len(measured)])[0]

    def likely_best(self, count: int) -> list[A]:
        """Choose the measured architectures of the highest means."""
        best = heapq.nlargest(count, range(len(self._measured)), key=self._means.__getitem__)
        return [self._measured[index] for index in best]

    def best(self, candidates: Sequence[A], count: int) -> list[A]:
        """Choose the candidates that can be expected to improve most on the best mean of what is measured."""
        means, deviations = self._predict(self._space.similarity(candidates, self._known))
        gains = log_expected_improvement(means, deviations, float(self._means.max()))
        return [candidates[index] for index in heapq.nlargest(count, range(len(candidates)), key=gains.__getitem__)]

    def _predict(self, asked: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return posterior(self._fitted, self._similarities, self._values, self._pending, asked)


def _rank(order: Sequence[tuple[int, float]], standing: tuple[int, float]) -> float:
    """The rank less 1/2, from the worst; of equal ones the mean."""
    return (bisect.bisect_left(order, standing) + bisect.bisect_right(order, standing)) / 2
