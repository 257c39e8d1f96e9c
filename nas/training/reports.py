"""What a training reports to its progress line and callbacks, from its first step to its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nas.results.measurement import Measurement
from nas.training.callbacks import Callback, Callbacks
from nas.training.loop.loop import CHECK_EVERY, Loop
from nas.training.loop.rungs import RungRun
from nas.training.progress import Progress


class Reports:
    """Reports a training while `opened`.

    Args:
        loop: The training.
        rungs: Where it is measured.
        callbacks: Called after every `CHECK_EVERY` steps, at every rung, at the start and the end.
        progress: Called with the stage "training" and the steps done.
    """

    def __init__(self, loop: Loop, rungs: Sequence[int], callbacks: Sequence[Callback], progress: Progress) -> None:
        self._loop = loop
        self._rungs = rungs
        self._callbacks = Callbacks(callbacks)
        self._progress = progress
        self._before = (0.0, 0)

    @contextlib.contextmanager
    def opened(self, description: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Report the start and the end of the training.

        Args:
            description: As `Callback.on_start` has it, without the step.

        Yields:
            A dictionary to put the results in, which are reported at the end.
        """
        self._before = self._loop.running_loss()
        self._callbacks.on_start({**description, "step": self._loop.step})
        result: dict[str, Any] = {}
        try:
            yield result
        except Exception as error:
            self._callbacks.on_end({"status": "failed", "reason": str(error)})
            raise
        except BaseException:
            self._callbacks.on_end({"status": "interrupted"})
            raise
        self._callbacks.on_end({"status": "finished", **result})

    def step(self, step: int) -> None:
        """Report that so many steps are done."""
        self._progress("training", step, self._rungs[-1])
        if self._callbacks and (step % CHECK_EVERY == 0 or step in self._rungs):
            total, steps = self._loop.running_loss()
            earlier, done = self._before
            values = {"train_loss": (total - earlier) / (steps - done), "learning_rate": self._loop.learning_rate()}
            self._callbacks.on_step(step, values)
            self._before = (0.0, 0) if step in self._rungs else (total, steps)  # the loop's sum begins anew there

    def measured(self, run: RungRun) -> tuple[Measurement, ...]:
        """Train and measure at every rung; measurements of an earlier process are not reported again."""
        first = self._loop.step
        measured: list[Measurement] = []
        for measurement in run.measurements():
            measured.append(measurement)
            if measurement.iteration > first:
                self._callbacks.on_measurement(measurement)
        return tuple(measured)
