"""The contract of early stopping: a trial that reaches a rung continues or ends there."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from nas.results.standing import Standing
from nas.specs import Vector


class EarlyStopper(ABC):
    """Decides at every rung whether a trial continues; at the last rung every trial does: nothing is left to stop.

    The record of measurements is all that outlives a process, so a decision depends on them and on which trials passed
    unjudged, and on nothing else. A subclass has the rule (`_judge`), and may keep what the rule reads (`_enter`).

    Args:
        rungs: Iterations at which trials are judged, strictly ascending.

    Raises:
        ValueError: There are no rungs, or the rungs are not ascending.
    """

    def __init__(self, rungs: Sequence[int]) -> None:
        if not rungs or any(a >= b for a, b in itertools.pairwise(rungs)):
            raise ValueError(f"rungs must be strictly ascending and at least one, not {list(rungs)}")
        self.rungs = tuple(rungs)
        self._decisions: dict[tuple[int, int], bool] = {}
        self._unjudged: dict[int, Standing] = {}

    def record(self, number: int, iteration: int, *values: float) -> bool:
        """Record the result of a trial at a rung, and decide whether the trial continues.

        A rung recorded again (by a new attempt of the trial) counts once and gets the first decision.

        Args:
            number: The trial.
            iteration: The rung.
            values: Of the objectives: finite, higher is better.

        Returns:
            Whether the trial continues.

        Raises:
            ValueError: `iteration` is no rung.
        """
        if iteration not in self.rungs:
            raise ValueError(f"iteration {iteration} is not one of the rungs {list(self.rungs)}")
        assert all(map(math.isfinite, values)), values
        if (number, iteration) not in self._decisions:
            continues = True
            if iteration != self.rungs[-1]:
                verdict = self._judge(number, iteration, values)
                continues = verdict is not False
                if verdict is None:
                    self._unjudged.setdefault(number, (iteration, values[0]))
                elif continues:
                    self._unjudged.pop(number, None)
            self._note(number, iteration, values, continues)
        return self._decisions[number, iteration]

    def unjudged(self, number: int) -> Standing | None:
        """Return the first rung that a trial passed unjudged, and its value there; None where it was judged since."""
        return self._unjudged.get(number)

    def replay(
        self,
        curves: Mapping[int, Iterable[tuple[int, Vector]]],
        unjudged: Mapping[int, Standing] | None = None,
    ) -> None:
        """Restore what an earlier driver recorded; the order of the trials does not matter.

        The store holds no decisions, and needs none: an ended trial is never judged again, and a trial still in flight
        had been allowed to continue, so it continues again when it repeats a recorded rung.

        Args:
            curves: Rungs and values of the objectives there, ascending in iterations, by trial number.
            unjudged: What `unjudged` returned for trials, where that was not None.
        """
        self._unjudged.update(unjudged or {})
        for number, curve in curves.items():
            for iteration, values in curve:
                if (number, iteration) not in self._decisions:
                    self._note(number, iteration, values, continues=True)

    @abstractmethod
    def _judge(self, number: int, iteration: int, values: Vector) -> bool | None:
        """Return whether a trial continues from a rung that is not the last; None: it continues unjudged."""

    @abstractmethod
    def _enter(self, number: int, iteration: int, values: Vector) -> None:
        """Keep a result for the judgement of others; called once for each trial and rung."""

    def _note(self, number: int, iteration: int, values: Vector, continues: bool) -> None:
        self._decisions[number, iteration] = continues
        self._enter(number, iteration, values)


def checked_reduction(reduction: float) -> float:
    """Return the factor of successive halving.

    Raises:
        ValueError: It is not above 1.
    """
    if not reduction > 1:
        raise ValueError(f"reduction must be above 1, not {reduction}")
    return reduction
