"""Asynchronous successive halving, the stopping rule (Li et al., "A System for Massively Parallel Hyperparameter
Tuning", MLSys 2020, in the form that stops trials instead of pausing them).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence

from nas.specs import Vector
from nas.strategies.stopping.base import EarlyStopper, checked_reduction


class SuccessiveHalving(EarlyStopper):
    """Continues about the best one in `reduction` trials at each rung.

    At a rung, let s_1 <= ... <= s_n be the scores that other trials recorded there before. The trial continues if n = 0
    or its score is at least the quantile of those scores at q = 1 - 1/reduction, interpolated linearly: with
    h = q (n - 1) and k = floor(h) + 1, that is s_k + (h - floor(h)) (s_{k+1} - s_k). This is the rule of Ray Tune's
    AsyncHyperBandScheduler with one bracket, but with any ascending rungs. A trial that continues from a rung where
    fewer than `reduction` trials have scored, itself included, is unjudged there: one in `reduction` of so few is none.

    The score is the value of the first objective. Several objectives: `nas.strategies.stopping.pareto`.

    Args:
        rungs: Iterations at which trials are judged, strictly ascending.
        reduction: About one in `reduction` trials passes a rung; above 1.

    Raises:
        ValueError: There are no rungs, the rungs are not ascending, or the reduction is not above 1.
    """

    def __init__(self, rungs: Sequence[int], reduction: float) -> None:
        super().__init__(rungs)
        self._reduction = checked_reduction(reduction)
        # Rounded as in Ray, by way of a percentage, so that a score exactly at the quantile is judged as Ray judges it.
        self._quantile = (1 - 1 / reduction) * 100 / 100
        self._scores: dict[int, list[float]] = {rung: [] for rung in rungs}

    def _judge(self, number: int, iteration: int, values: Vector) -> bool | None:  # noqa: ARG002  the base's signature
        scores = self._scores[iteration]
        if scores and not values[0] >= quantile(scores, self._quantile):
            return False
        return None if len(scores) + 1 < self._reduction else True

    def _enter(self, number: int, iteration: int, values: Vector) -> None:  # noqa: ARG002  the base's signature
        bisect.insort(self._scores[iteration], values[0])


def quantile(scores: Sequence[float], q: float) -> float:
    """The quantile of ascending scores, interpolated from the nearer neighbour, as NumPy does, to round the same."""
    position = q * (len(scores) - 1)
    below = math.floor(position)
    low, high = scores[below], scores[min(below + 1, len(scores) - 1)]
    part = position - below
    return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part
