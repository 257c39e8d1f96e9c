"""Successive halving for several objectives: trials are compared by how many others dominate them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas.specs import Vector
from nas.strategies.stopping.asha import quantile
from nas.strategies.stopping.base import EarlyStopper, checked_reduction


class ParetoHalving(EarlyStopper):
    """Continues about the one in `reduction` trials at each rung that the fewest others dominate.

    A trial dominates another that is nowhere better and somewhere worse. So a small head with a low score continues
    beside a large one with a high score, as long as no head is both smaller and better. For one objective the number of
    dominating trials is the rank by score, and the rule is that of `SuccessiveHalving`.

    At a rung, let c_1 <= ... <= c_n be the numbers of trials by which the earlier ones are dominated among themselves.
    The trial continues if n = 0 or the number of them that dominate it is at most their quantile at 1/reduction.

    Source:
        The rank is that of Fonseca and Fleming, "Genetic Algorithms for Multiobjective Optimization", ICGA 1993.
        Halving by a rank of several objectives is from Schmucker et al., "Multi-objective Asynchronous Successive
        Halving", 2021, who rank by fronts.

    Args:
        rungs: Iterations at which trials are judged, strictly ascending.
        reduction: About one in `reduction` trials passes a rung; above 1.

    Raises:
        ValueError: There are no rungs, the rungs are not ascending, or the reduction is not above 1.
    """

    def __init__(self, rungs: Sequence[int], reduction: float) -> None:
        super().__init__(rungs)
        self._reduction = checked_reduction(reduction)
        self._seen = {rung: _Seen() for rung in rungs}

    def _judge(self, number: int, iteration: int, values: Vector) -> bool | None:  # noqa: ARG002  the base's signature
        seen = self._seen[iteration]
        if seen.size and seen.dominating(values) > quantile(sorted(seen.counts), 1 / self._reduction):
            return False
        return None if seen.size + 1 < self._reduction else True

    def _enter(self, number: int, iteration: int, values: Vector) -> None:  # noqa: ARG002  the base's signature
        self._seen[iteration].add(values)


class _Seen:
    """The results at one rung, and by how many others each of them is dominated."""

    def __init__(self) -> None:
        self.size = 0
        self._values: NDArray[np.float64] = np.empty((0, 0))
        self._counts: NDArray[np.int64] = np.empty(0, np.int64)

    @property
    def counts(self) -> list[float]:
        return [float(count) for count in self._counts[: self.size]]

    def dominating(self, values: Vector) -> int:
        """Count the results that dominate these values."""
        own = np.array(values)
        others = self._values[: self.size]
        return int(((others >= own).all(1) & (others > own).any(1)).sum())

    def add(self, values: Vector) -> None:
        if self.size == len(self._values):  # twice the room, so that adding costs the same on average
            room = max(64, 2 * self.size)
            grown, counts = np.empty((room, len(values))), np.zeros(room, np.int64)
            if self.size:
                grown[: self.size], counts[: self.size] = self._values, self._counts
            self._values, self._counts = grown, counts
        own = np.array(values)
        others = self._values[: self.size]
        count = self.dominating(values)
        self._counts[: self.size] += (own >= others).all(1) & (own > others).any(1)
        self._values[self.size], self._counts[self.size] = own, count
        self.size += 1
