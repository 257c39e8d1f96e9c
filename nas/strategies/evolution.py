"""Regularised evolution: mutations of the best of a few members of a population whose oldest members leave."""

from __future__ import annotations

import bisect
import random

from nas.specs import EvolutionStrategy
from nas.strategies.base import MUTATION_TRIES, Observation, SpaceStrategy
from nas.strategies.spaces import A, Space
from nas.strategies.standings import Standings


class EvolutionSearch(SpaceStrategy[A]):
    """Regularised (ageing) evolution with tournament selection.

    The population is the `population` youngest trials with a score. A proposal draws `sample` members with replacement,
    takes the best by `nas.results.standing` (of equal ones the youngest) and mutates it. Members leave by their age
    alone, however good they are, so that one with a lucky score does not stay. Trials `0 .. population - 1` are
    uniform; of these, one fewer for each trial of another search that was told.

    Three things differ from the paper. A trial's age is its number, not the moment of its end, which no record holds:
    so a trial that takes long is old when it joins. The paper sometimes evaluates a parent again unchanged; here no
    architecture is proposed twice. And trials that early stopping ended are members too, behind all that got further.

    Source:
        Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, algorithm 1.
    """

    def __init__(self, space: Space[A], seed: int, strategy: EvolutionStrategy) -> None:
        super().__init__(space, seed)
        self._strategy = strategy
        self._standings = Standings()
        self._population: list[Observation] = []

    def _propose(self, number: int, rng: random.Random) -> A | None:
        if number + self._warm < self._strategy.population or not self._population:
            return None
        for _ in range(MUTATION_TRIES):
            drawn = rng.choices(self._population, k=self._strategy.sample)
            parent = max(drawn, key=lambda member: (self._standings.of(member), member.number)).architecture
            child = self._space.mutate(self._space.own(parent), rng, self._strategy.mutations)
            if child is not None and self._is_new(child):
                return child
        return None

    def _learn(self, observation: Observation) -> None:
        if observation.scored:
            self._standings.note(observation)
            bisect.insort(self._population, observation, key=lambda member: member.number)
            del self._population[: -self._strategy.population]
