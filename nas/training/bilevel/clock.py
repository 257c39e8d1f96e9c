"""The time that a run has taken of its device, and the intervals after which something is due."""

from __future__ import annotations

import time

import torch

from nas.training.loop.device import synchronize


class RunClock:
    """Counts the seconds of a run's own work, over all interruptions.

    What the caller does between two results is not the run's work, nor is the writing of a checkpoint: `go_on` after
    them leaves their time out.

    Attributes:
        seconds: Counted so far.
    """

    def __init__(self, device: torch.device) -> None:
        self.seconds = 0.0
        self._device = device
        self._since = time.perf_counter()

    def go_on(self) -> None:
        """Count from now on."""
        self._since = time.perf_counter()

    def count(self) -> None:
        """Add the time since the last call of a method, up to the end of what the device still computes."""
        synchronize(self._device)
        now = time.perf_counter()
        self.seconds += now - self._since
        self._since = now


class Interval:
    """Says when its seconds have passed since it was made or restarted; infinitely many never do."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    @property
    def over(self) -> bool:
        """Whether the seconds have passed."""
        return time.perf_counter() - self._since >= self._seconds

    def restart(self) -> None:
        """Begin again."""
        self._since = time.perf_counter()
