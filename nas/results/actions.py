"""What a user can do to a search that exists: one rule for the store, which refuses the rest, and for the pages."""

from __future__ import annotations

from enum import StrEnum

from nas.results.status import SearchStatus


class SearchAction(StrEnum):
    """A change of a search that a user can ask for."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"  # resume, and try the failed trials again
    EXTEND = "extend"
    STOP = "stop"
    DELETE = "delete"


def actions(status: SearchStatus, *, failed: int, planned: int, grows: bool) -> tuple[SearchAction, ...]:
    """List what a user can do to a search now.

    Args:
        status: Of the search.
        failed: Number of its trials that have failed.
        planned: Number of trials that it will have, at most.
        grows: Whether searches of its kind can be given more trials or seeds.
    """
    if status is SearchStatus.STOPPING:
        return ()
    if status is SearchStatus.PAUSING:
        return (SearchAction.STOP,)
    if not status.at_rest:
        return SearchAction.PAUSE, SearchAction.STOP
    every_trial_failed = status is SearchStatus.FAILED and failed >= planned
    possible = {
        SearchAction.RESUME: status is not SearchStatus.COMPLETED and not every_trial_failed,
        SearchAction.RETRY: failed > 0,
        SearchAction.EXTEND: grows,
        SearchAction.STOP: status is SearchStatus.PAUSED,
        SearchAction.DELETE: True,
    }
    return tuple(action for action, can in possible.items() if can)
