"""The median rule: a trial ends where even its best result is worse than the middle of what others had on average."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from nas.specs import Vector
from nas.strategies.stopping.asha import quantile
from nas.strategies.stopping.base import EarlyStopper


class MedianStopping(EarlyStopper):
    """Stops a trial whose best value so far is below the median of the other trials' means up to this rung.

    The mean of a trial at a rung is that of its values at this and all earlier rungs. A trial that continues from a
    rung where fewer than `startup` others have a value is unjudged there.

    Source:
        Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017, section 3.2.

    Args:
        rungs: Iterations at which trials are judged, strictly ascending.
        startup: Number of other trials at a rung from which on it is judged; at least 1.

    Raises:
        ValueError: There are no rungs, the rungs are not ascending, or `startup` is below 1.
    """

    def __init__(self, rungs: Sequence[int], startup: int) -> None:
        super().__init__(rungs)
        if startup < 1:
            raise ValueError(f"startup must be at least 1, not {startup}")
        self._startup = startup
        self._means: dict[int, list[float]] = {rung: [] for rung in rungs}
        self._curves: dict[int, dict[int, float]] = {}

    def _judge(self, number: int, iteration: int, values: Vector) -> bool | None:
        means = self._means[iteration]
        if len(means) < self._startup:
            return None
        earlier = [value for rung, value in self._curves.get(number, {}).items() if rung < iteration]
        return max([*earlier, values[0]]) >= quantile(means, 0.5)

    def _enter(self, number: int, iteration: int, values: Vector) -> None:
        curve = self._curves.setdefault(number, {})
        curve[iteration] = values[0]
        so_far = [value for rung, value in curve.items() if rung <= iteration]
        bisect.insort(self._means[iteration], sum(so_far) / len(so_far))
