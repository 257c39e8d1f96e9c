"""What a training reports while it runs, to loggers of any kind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from nas.results.measurement import Measurement

_log = logging.getLogger(__name__)


@runtime_checkable
class Callback(Protocol):
    """Is called while a network is trained, for instance to log curves.

    Where several processes train the network, only the first one calls, and it gets a pickled copy of the callback:
    open files and connections in `on_start`. A callback that raises is not called again; the training continues.
    """

    def on_start(self, description: Mapping[str, Any]) -> None:
        """Called before the first step.

        Args:
            description: `key` (content hash of architecture, fidelity, seed and device: the same when a training that
                was interrupted continues), `step` (0, or where it continues), `architecture` (one line of text),
                `class_names`, `seed`, `fidelity` (a dictionary), `parameters`, `multiply_adds`.
        """

    def on_step(self, step: int, values: Mapping[str, float]) -> None:
        """Called after every 100 steps, and at every rung.

        Args:
            step: Training steps done.
            values: `train_loss`, the mean over the steps since the last call, and `learning_rate`, the next step's.
        """

    def on_measurement(self, measurement: Measurement) -> None:
        """Called at every rung, with the validation scores."""

    def on_end(self, result: Mapping[str, Any]) -> None:
        """Called once when the training is over, whatever ended it.

        Args:
            result: `status` is `finished`, `failed` or `interrupted`; of a finished training also what `metrics.json`
                holds, of a failed one the `reason`.
        """


class Callbacks:
    """Calls all callbacks; one that raises is reported in one sentence and not called again.

    Args:
        callbacks: In the order of the calls.
    """

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        self._working = list(callbacks)

    def __bool__(self) -> bool:
        return bool(self._working)

    def on_start(self, description: Mapping[str, Any]) -> None:
        self._each(lambda callback: callback.on_start(description))

    def on_step(self, step: int, values: Mapping[str, float]) -> None:
        self._each(lambda callback: callback.on_step(step, values))

    def on_measurement(self, measurement: Measurement) -> None:
        self._each(lambda callback: callback.on_measurement(measurement))

    def on_end(self, result: Mapping[str, Any]) -> None:
        self._each(lambda callback: callback.on_end(result))

    def _each(self, call: Callable[[Callback], None]) -> None:
        for callback in list(self._working):
            try:
                call(callback)
            except Exception as error:
                self._working.remove(callback)
                reason = " ".join(str(error).split()) or type(error).__name__
                _log.warning("%s failed and logs no more; the training continues: %s", type(callback).__name__, reason)
