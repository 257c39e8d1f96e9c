"""Budgets: what the searches of an owner may spend, and what happens when it is spent."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from api.errors import ApiError
from nas.results.status import SearchStatus
from nas.store import Budget, SearchRecord, Store

log = logging.getLogger("segnas.api")


def require_budget(store: Store, owner: str | None) -> None:
    """Check that an owner may spend more.

    Args:
        store: The record.
        owner: Whose search is to start or to go on; None has no budget.

    Raises:
        ApiError: 403; nothing is left of the budget.
    """
    budget = None if owner is None else store.budgets([owner]).get(owner)
    if budget is not None and budget.exhausted:
        raise ApiError(403, f"{spent_sentence(budget)}; an admin can give more: segnas token limit {owner}")


def pause_spent(store: Store, searches: Iterable[SearchRecord]) -> bool:
    """Pause the searches whose owner's budget is spent, as a user would: what runs ends, and what was measured stays.

    Args:
        store: The record.
        searches: Those that are neither over nor paused.

    Returns:
        Whether one of them was told to pause.
    """
    going = (SearchStatus.STARTING, SearchStatus.RUNNING)
    owned = [search for search in searches if search.owner and search.status in (SearchStatus.QUEUED, *going)]
    if not owned:
        return False
    budgets = store.budgets({search.owner for search in owned if search.owner})
    paused = False
    for search in owned:
        budget = budgets.get(search.owner or "")
        if budget is None or not budget.exhausted:
            continue
        message = f"paused: {spent_sentence(budget)}"
        moved = store.move_search(search.id, [SearchStatus.QUEUED], SearchStatus.PAUSED, message=message)
        moved = moved or store.move_search(search.id, going, SearchStatus.PAUSING, message=message)
        if moved:
            log.info("search %s: %s", search.id, message)
        paused |= moved
    return paused


def spent_sentence(budget: Budget) -> str:
    """Say that a budget is spent."""
    return f"the budget of {budget.owner} is spent ({budget.spent:.4g} of {budget.hours:g} device-hours)"
