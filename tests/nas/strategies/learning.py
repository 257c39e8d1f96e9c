"""A score that a strategy can learn, and how much better than chance it did."""

from __future__ import annotations

from nas.strategies import Observation
from nas.strategies.base import SpaceStrategy
from search_spaces.dense_cell.architecture import DenseCell, operator_index

LAST = 60
"""The trials at the end whose mean score is compared with chance."""


def score(cell: DenseCell) -> float:
    """The share of branches with a vertical rate of at least 12."""
    return sum(32 < operator_index(branch.operator) <= 64 for branch in cell.branches) / len(cell.branches)


def deviations_above_chance(strategy: SpaceStrategy[DenseCell], trials: int) -> float:
    """Search over cells of three branches; return how far the last trials are above uniform ones."""
    scores = []
    for number in range(trials):
        cell = strategy.ask(number)
        scores.append(score(cell))
        strategy.tell(Observation(number, cell, "completed", scores[-1], 90))
    chance = 32 / 81
    deviation = (chance * (1 - chance) / (3 * LAST)) ** 0.5
    return (sum(scores[-LAST:]) / LAST - chance) / deviation
