"""Statuses of searches and trials."""

from __future__ import annotations

from enum import StrEnum


class SearchStatus(StrEnum):
    """Status of a search: queued -> starting -> running -> completed | failed | stopped.

    A search is stopping or pausing while it waits for its driver to end. When its driver is lost, it is queued again
    for the next attempt. A paused search, and one that is over, is queued again when a user resumes or extends it.
    """

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    PAUSING = "pausing"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def terminal(self) -> bool:
        """Whether the search is over: it changes no more, unless a user resumes or extends it."""
        return self in (SearchStatus.COMPLETED, SearchStatus.FAILED, SearchStatus.STOPPED)

    @property
    def at_rest(self) -> bool:
        """Whether nothing runs for the search, and nothing will until a user resumes it: it is over, or paused."""
        return self.terminal or self is SearchStatus.PAUSED

    @property
    def ending(self) -> bool:
        """Whether the search waits for its driver to end, on a user's request."""
        return self in (SearchStatus.STOPPING, SearchStatus.PAUSING)


class TrialStatus(StrEnum):
    """Status of a trial: running -> completed (last rung) | pruned (stopped early, score counts) | failed | stopped."""

    RUNNING = "running"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def terminal(self) -> bool:
        """Whether the trial is over. Only a stopped trial is ever continued, when its search is resumed."""
        return self is not TrialStatus.RUNNING


SCORED = (TrialStatus.COMPLETED, TrialStatus.PRUNED)
"""Statuses whose scores are compared. A trial that was stopped with its search may have a score too, but the score did
not end the trial, so the rung it reached says nothing about the architecture.
"""
