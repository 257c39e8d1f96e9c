"""Statuses of searches and trials."""

from __future__ import annotations

from enum import StrEnum


class SearchStatus(StrEnum):
    """Status of a search: queued -> starting -> running -> completed | failed | stopped.

    A search is stopping while it waits for its driver to end. When its driver is lost, it is queued again for the next
    attempt.
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
    """Status of a trial: running -> completed (last rung) | pruned (stopped early, score counts) | failed | stopped."""

    RUNNING = "running"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def terminal(self) -> bool:
        """Whether a row of this status never changes again."""
        return self is not TrialStatus.RUNNING
