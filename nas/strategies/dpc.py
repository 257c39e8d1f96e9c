"""Random search that also samples near the best cells found so far (Chen et al., NeurIPS 2018, section 3.3)."""

from __future__ import annotations

import heapq
import random

from nas.results.standing import standing
from nas.specs import DpcStrategy
from nas.strategies.base import CellStrategy, Observation
from nas.strategies.cells import CellSpace
from search_spaces.dense_cell.architecture import DenseCell

MUTATION_TRIES = 100
"""Mutations that may give seen cells, or cells beyond the limit, before a uniform draw is made instead."""


class NearBestSearch(CellStrategy):
    """Random search that mutates one of the `pool` best cells with probability `near_best`, else draws uniformly.

    The parent is drawn uniformly from the best cells. Scores of different rungs cannot be compared, so the best cells
    are those that reached the deepest rung, and among cells at the same rung those that scored best; ties go to the
    earlier trial. Early stopping makes this order sound: a trial stopped at a rung had lost there against the trials
    that continued. Trials `0 .. startup - 1` are uniform.

    The paper gives the idea in a sentence and no numbers; probability, pool and mutation are this project's choice.

    Source:
        Chen et al., NeurIPS 2018, section 3.3.
    """

    def __init__(self, space: CellSpace, seed: int, strategy: DpcStrategy) -> None:
        super().__init__(space, seed)
        self._strategy = strategy
        self._ranked: list[tuple[tuple[int, float], int, DenseCell]] = []

    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        if number < self._strategy.startup or not self._ranked or rng.random() >= self._strategy.near_best:
            return None
        parents = [cell for *_, cell in self._ranked]
        for _ in range(MUTATION_TRIES):
            child = self._space.mutate(rng.choice(parents), rng)
            if self._is_new(child):
                return child
        return None

    def _learn(self, observation: Observation) -> None:
        if not observation.scored:
            return
        assert observation.iteration is not None
        assert observation.score is not None
        # The cell as told, which is the cell as recorded in the store. The record may order the branches differently
        # from the proposal, and mutations of the two would differ between this process and a restored strategy.
        cell = observation.architecture
        assert isinstance(cell, DenseCell), cell.kind
        entry = (standing(observation.iteration, observation.score), -observation.number, cell)
        # Numbers are unique, so the comparison never reaches the cells.
        self._ranked = heapq.nlargest(self._strategy.pool, [*self._ranked, entry])
