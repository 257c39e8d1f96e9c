"""What a user can do to a search that exists: one rule for the store, which refuses the rest, and for the pages."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from nas.results.status import SearchStatus


class SearchAction(StrEnum):
    """A change of a search that a user can ask for."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"  # resume, and try the failed trials and runs again
    EXTEND = "extend"
    STOP = "stop"
    DELETE = "delete"


class Share(NamedTuple):
    """How many of a search's trials, or of its differentiable runs, have failed, of how many it has at most."""

    failed: int
    planned: int

    @property
    def all_failed(self) -> bool:
        """Whether there are some, and none is left that could go on."""
        return 0 < self.planned <= self.failed


def actions(status: SearchStatus, *, trials: Share, runs: Share, grows: bool) -> tuple[SearchAction, ...]:
    """List what a user can do to a search now.

    Args:
        status: Of the search.
        trials: How many of its trials have failed.
        runs: How many of its differentiable runs have failed; a search of another kind has none.
        grows: Whether searches of its kind can be given more trials or seeds.
    """
    if status is SearchStatus.STOPPING:
        return ()
    if status is SearchStatus.PAUSING:
        return (SearchAction.STOP,)
    if not status.at_rest:
        return SearchAction.PAUSE, SearchAction.STOP
    nothing_left = status is SearchStatus.FAILED and (trials.all_failed or runs.all_failed)
    possible = {
        SearchAction.RESUME: status is not SearchStatus.COMPLETED and not nothing_left,
        SearchAction.RETRY: trials.failed + runs.failed > 0,
        SearchAction.EXTEND: grows,
        SearchAction.STOP: status is SearchStatus.PAUSED,
        SearchAction.DELETE: True,
    }
    return tuple(action for action, can in possible.items() if can)
