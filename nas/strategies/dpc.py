"""Random search that also samples near the best found so far (Chen et al., NeurIPS 2018, section 3.3)."""

from __future__ import annotations

import heapq
import random
from typing import TypeAlias

from nas.results.standing import Standing
from nas.specs import DpcStrategy
from nas.strategies.base import MUTATION_TRIES, Observation, SpaceStrategy
from nas.strategies.spaces import A, Space
from nas.strategies.standings import Standings

_Entry: TypeAlias = tuple[Standing, int, A]
"""An architecture with its trial's standing and negative number, by which the best ones are chosen."""


class NearBestSearch(SpaceStrategy[A]):
    """Random search that mutates one of the `pool` best with probability `near_best`, else draws uniformly.

    The parent is drawn uniformly from the best, in the order of `nas.results.standing`; ties go to the earlier
    trial. Trials `0 .. startup - 1` are uniform; of these, one fewer for each trial of another search that was told.

    The paper gives the idea in a sentence and no numbers; probability, pool and mutation are this project's choice.

    On recorded heads it beat random search on one data set of two: 0.95 (0.71 to 1.26) and 0.66 (0.49 to 0.87) of its
    trials to the best 1 % (docs/lab/strategies.md).

    Source:
        Chen et al., NeurIPS 2018, section 3.3.
    """

    def __init__(self, space: Space[A], seed: int, strategy: DpcStrategy) -> None:
        super().__init__(space, seed)
        self._strategy = strategy
        self._judged: list[_Entry[A]] = []
        self._unjudged: list[Observation] = []
        self._standings = Standings()

    def _propose(self, number: int, rng: random.Random) -> A | None:
        best = self._best()
        if number + self._warm < self._strategy.startup or not best or rng.random() >= self._strategy.near_best:
            return None
        parents = [architecture for *_, architecture in best]
        for _ in range(MUTATION_TRIES):
            child = self._space.mutate(rng.choice(parents), rng, self._strategy.mutations)
            if child is not None and self._is_new(child):
                return child
        return None

    def _learn(self, observation: Observation) -> None:
        if not observation.scored:
            return
        self._standings.note(observation)
        if observation.unjudged is not None:
            self._unjudged.append(observation)
        else:
            self._judged = self._largest([*self._judged, self._entry(observation)])

    def _best(self) -> list[_Entry[A]]:
        """The best so far. The unjudged ones are few, and where they stand depends on the others."""
        return self._largest([*self._judged, *map(self._entry, self._unjudged)])

    def _entry(self, observation: Observation) -> _Entry[A]:
        # The architecture as told, which is that recorded in the store. The record may order its parts differently
        # from the proposal, and mutations of the two would differ between this process and a restored strategy.
        return self._standings.of(observation), -observation.number, self._space.own(observation.architecture)

    def _largest(self, entries: list[_Entry[A]]) -> list[_Entry[A]]:
        # Numbers are unique, so the comparison never reaches the architectures.
        return heapq.nlargest(self._strategy.pool, entries)
