"""Progressive asynchronous successive halving (PASHA): the last rungs are opened only where they are needed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from nas.specs import Vector
from nas.strategies.stopping.asha import SuccessiveHalving, quantile
from nas.strategies.stopping.base import EarlyStopper

COMPARED = 50
"""The best trials of the highest rung from which the noise is estimated: the work grows with their square."""

PERCENTILE = 0.9
"""Of the differences between trials whose order changed back and forth, the quantile that counts as noise."""


class ProgressiveHalving(EarlyStopper):
    """Successive halving that trains beyond a rung only once the order of the trials changes from the rung before it.

    Trials go no further than the *open* rung: at first the second one, later the deepest that a trial has reached. A
    trial that reaches the open rung ends there, as if it were the last, while the trials at this rung have the order
    that they had at the rung before. Where the order has changed, the trial that finds this out continues, if halving
    lets it, and the next rung is thereby open. Before the open rung halving decides alone.

    The order is compared softly. Let c_1, c_2, ... be the trials at the open rung by their scores there, and p_1, p_2,
    ... the same trials by their scores at the rung before. The order has changed where, for one i, the scores of c_i
    and p_i at the rung before differ by more than epsilon. Epsilon is given, or estimated: of two trials of which the
    first was above, below and again above the second at three successive reached rungs, not necessarily neighbours, the
    difference at the open rung is noise; epsilon is the 90 % quantile of such differences among the best 50 trials
    there, and 0 before there is such a pair.

    Source:
        Bohdal et al., "PASHA: Efficient HPO and NAS with Progressive Resource Allocation", ICLR 2023, in the form that
        stops trials instead of pausing them: a trial that ended at a rung is not continued when the next one opens. The
        paper estimates epsilon from the curve of every epoch; here a trial is measured at rungs only.

    Args:
        rungs: Iterations at which trials are judged, strictly ascending; with one or two this is successive halving.
        reduction: About one in `reduction` trials passes a rung; above 1.
        epsilon: Difference of scores up to which two trials count as equal; None estimates it.

    Raises:
        ValueError: There are no rungs, the rungs are not ascending, the reduction is not above 1, or epsilon is
            negative.
    """

    def __init__(self, rungs: Sequence[int], reduction: float, epsilon: float | None = None) -> None:
        super().__init__(rungs)
        if epsilon is not None and not epsilon >= 0:
            raise ValueError(f"epsilon must be 0 or more, not {epsilon}")
        self._halving = SuccessiveHalving(rungs, reduction)
        self._given = epsilon
        self._scores: dict[int, dict[int, float]] = {rung: {} for rung in rungs}

    @property
    def open_rung(self) -> int:
        """The rung up to which trials are trained at present, in iterations."""
        reached = (rung for rung in reversed(self.rungs[2:]) if self._scores[rung])
        return next(reached, self.rungs[:2][-1])

    def epsilon(self) -> float:
        """The difference of scores up to which two trials count as equal at present."""
        place = self.rungs.index(self.open_rung)
        return self._epsilon(place, self._scores[self.open_rung])

    def _judge(self, number: int, iteration: int, values: Vector) -> bool | None:
        verdict = self._halving._judge(number, iteration, values)
        if verdict is False or iteration < self.open_rung:
            return verdict
        place = self.rungs.index(iteration)
        if not place:
            return verdict
        return verdict if self._order_changed(place, {**self._scores[iteration], number: values[0]}) else False

    def _enter(self, number: int, iteration: int, values: Vector) -> None:
        self._scores[iteration][number] = values[0]
        self._halving._enter(number, iteration, values)

    def _order_changed(self, place: int, here: Mapping[int, float]) -> bool:
        """Whether trials at a rung stand otherwise than at the rung before; `here` has their scores by number."""
        before = self._scores[self.rungs[place - 1]]
        epsilon = self._epsilon(place, here)
        numbers = [number for number in here if number in before]
        now = sorted(numbers, key=lambda number: (-here[number], number))
        then = sorted(numbers, key=lambda number: (-before[number], number))
        return any(abs(before[one] - before[other]) > epsilon for one, other in zip(now, then, strict=True))

    def _epsilon(self, place: int, here: Mapping[int, float]) -> float:
        if self._given is not None:
            return self._given
        best = sorted(here, key=lambda number: (-here[number], number))[:COMPARED]
        rungs = [*(self._scores[rung] for rung in self.rungs[:place]), here]
        curves = {number: [scores[number] for scores in rungs if number in scores] for number in best}
        pairs = itertools.combinations(best, 2)
        differences = sorted(abs(here[one] - here[two]) for one, two in pairs if _criss_cross(curves[one], curves[two]))
        return quantile(differences, PERCENTILE) if differences else 0.0


def _criss_cross(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the order of two curves changed at least twice."""
    signs = [math.copysign(1, a - b) for a, b in zip(one, other, strict=False) if a != b]
    return sum(a != b for a, b in itertools.pairwise(signs)) >= 2
