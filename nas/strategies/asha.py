"""Asynchronous successive halving, the stopping rule (Li et al., "A System for Massively Parallel Hyperparameter
Tuning", MLSys 2020, in the form that stops trials instead of pausing them).
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

from nas.results.measurement import Measurement
from nas.results.standing import Standing


class SuccessiveHalving:
    """Decides at every rung whether a trial continues.

    At a rung, let s_1 <= ... <= s_n be the scores that other trials recorded there before. The trial continues if n = 0
    or its score is at least the quantile of those scores at q = 1 - 1/reduction, interpolated linearly: with
    h = q (n - 1) and k = floor(h) + 1, that is s_k + (h - floor(h)) (s_{k+1} - s_k). This is the rule of Ray Tune's
    AsyncHyperBandScheduler with one bracket, but with any ascending rungs. At the last rung every trial continues:
    nothing is left to stop. A trial that continues from a rung where fewer than `reduction` trials have scored, itself
    included, is unjudged there: one in `reduction` of so few is none.

    Args:
        rungs: Iterations at which trials are judged, strictly ascending.
        reduction: About one in `reduction` trials passes a rung; above 1.

    Raises:
        ValueError: There are no rungs, the rungs are not ascending, or the reduction is not above 1.
    """

    def __init__(self, rungs: Sequence[int], reduction: float) -> None:
        if not rungs or any(a >= b for a, b in itertools.pairwise(rungs)):
            raise ValueError(f"rungs must be strictly ascending and at least one, not {list(rungs)}")
        if not reduction > 1:
            raise ValueError(f"reduction must be above 1, not {reduction}")
        self.rungs = tuple(rungs)
        # Rounded as in Ray, by way of a percentage, so that a score exactly at the quantile is judged as Ray judges it.
        self._quantile = (1 - 1 / reduction) * 100 / 100
        self._scores: dict[int, list[float]] = {rung: [] for rung in rungs}
        self._decisions: dict[tuple[int, int], bool] = {}
        self._reduction = reduction
        self._unjudged: dict[int, Standing] = {}

    def record(self, number: int, iteration: int, score: float) -> bool:
        """Record the score of a trial at a rung, and decide whether the trial continues.

        A rung recorded again (by a new attempt of the trial) counts once and gets the first decision.

        Args:
            number: The trial.
            iteration: The rung.
            score: Finite, higher is better.

        Returns:
            Whether the trial continues.

        Raises:
            ValueError: `iteration` is no rung.
        """
        if iteration not in self._scores:
            raise ValueError(f"iteration {iteration} is not one of the rungs {list(self.rungs)}")
        assert math.isfinite(score), score
        if (number, iteration) not in self._decisions:
            scores = self._scores[iteration]
            should_continue = iteration == self.rungs[-1] or not scores or score >= _quantile(scores, self._quantile)
            if should_continue and iteration != self.rungs[-1]:
                if len(scores) + 1 < self._reduction:
                    self._unjudged.setdefault(number, (iteration, score))
                else:
                    self._unjudged.pop(number, None)
            self._note(number, iteration, score, should_continue)
        return self._decisions[number, iteration]

    def unjudged(self, number: int) -> Standing | None:
        """Return the first rung that a trial passed unjudged, and its score there; None where it was judged since."""
        return self._unjudged.get(number)

    def replay(
        self, curves: Mapping[int, Iterable[Measurement]], unjudged: Mapping[int, Standing] | None = None
    ) -> None:
        """Restore the scores that an earlier driver recorded; the order of the trials does not matter.

        The store holds no decisions, and needs none: an ended trial is never judged again, and a trial still in flight
        had been allowed to continue, so it continues again when it repeats a recorded rung.

        Args:
            curves: Measurements by trial number.
            unjudged: What `unjudged` returned for trials, where that was not None.
        """
        self._unjudged.update(unjudged or {})
        for number, curve in curves.items():
            for measurement in curve:
                if (number, measurement.iteration) not in self._decisions:
                    self._note(number, measurement.iteration, measurement.score, should_continue=True)

    def _note(self, number: int, iteration: int, score: float, should_continue: bool) -> None:
        bisect.insort(self._scores[iteration], score)
        self._decisions[number, iteration] = should_continue


def _quantile(scores: Sequence[float], q: float) -> float:
    """The quantile of ascending scores, interpolated from the nearer neighbour, as NumPy does, to round the same."""
    position = q * (len(scores) - 1)
    below = math.floor(position)
    low, high = scores[below], scores[min(below + 1, len(scores) - 1)]
    part = position - below
    return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part
