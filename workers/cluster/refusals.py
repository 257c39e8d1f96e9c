"""Notices a cluster that says that it works and takes no job, however often one is submitted.

Ray's job server hands a job to an agent on the head node. Where that agent lives and hangs (it waits for ever for an
answer of the control store that was lost while both began), every part of the cluster answers questions about its
health, and no driver ever starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

DEAF_SECONDS = 60.0
"""For how long no job may be taken before the cluster counts as deaf; doubled by each restart that changed nothing."""

LONGEST_SECONDS = 1920.0

TIMES = 3
"""How many submissions must have failed meanwhile."""

STALE_SECONDS = 120.0
"""Failures further apart than this are not of one series: nobody has asked in between."""


@dataclass(frozen=True)
class _Series:
    since: float
    latest: float
    times: int
    why: str


class Refusals:
    """Submissions that failed, one after the other, while the cluster said that it works.

    Args:
        clock: Seconds, of a clock that does not jump.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._series: _Series | None = None
        self._patience = DEAF_SECONDS

    def taken(self) -> None:
        """A job was taken: whatever was wrong is over."""
        self._series, self._patience = None, DEAF_SECONDS

    def refused(self, why: str) -> None:
        """A job was not taken, for a reason given as a sentence."""
        now, series = self._clock(), self._series
        if series is None or now - series.latest > STALE_SECONDS:
            self._series = _Series(now, now, 1, why)
        else:
            self._series = _Series(series.since, now, series.times + 1, why)

    def restarted(self) -> None:
        """The cluster was started again: the next series begins, and is watched for longer where this one was deaf."""
        if self.deaf() is not None:
            self._patience = min(2 * self._patience, LONGEST_SECONDS)
        self._series = None

    def deaf(self) -> str | None:
        """Say why the cluster counts as deaf, as the end of a sentence; None when it does not."""
        series = self._series  # another thread may replace it
        if series is None or series.times < TIMES or self._clock() - series.latest > STALE_SECONDS:
            return None
        lasted = series.latest - series.since
        return None if lasted < self._patience else f"for {lasted:.0f} s it has taken no job: {series.why}"
