"""Where a search or a trial stands."""

from __future__ import annotations

from enum import StrEnum


class SearchStatus(StrEnum):
    """queued -> starting -> running -> completed | failed | stopped; stopping waits for the driver to end.

    A driver that was lost takes its search back to queued, for the next attempt.
    """

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def terminal(self) -> bool:
        """Whether a row of this status never changes again."""
        return self in (SearchStatus.COMPLETED, SearchStatus.FAILED, SearchStatus.STOPPED)


class TrialStatus(StrEnum):
    """running -> completed (last rung reached) | pruned (stopped early, its score counts) | failed | stopped."""

    RUNNING = "running"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def terminal(self) -> bool:
        """Whether a row of this status never changes again."""
        return self is not TrialStatus.RUNNING
