"""Resuming a search that exists, asked for by itself or by a question that it is to answer."""

from __future__ import annotations

from api.budgets import require_budget
from api.creation import check
from api.reconciler import Reconciler
from nas.settings import Settings
from nas.store import SearchRecord, Store


def resume(
    search: SearchRecord, store: Store, settings: Settings, reconciler: Reconciler | None, *, retry_failed: bool = False
) -> SearchRecord:
    """Queue a search again that is at rest, as `Store.resume_search` does; one that goes on already is left as it is.

    Args:
        search: The search.
        store: Has it.
        settings: Of the service.
        reconciler: Is told, where there is one.
        retry_failed: Also try failed trials and runs again.

    Raises:
        ApiError: 403; the budget of the search's owner is spent.
        InputError: The service does not have any more what the search names.
        ConflictError: Nothing is left to resume.
    """
    if search.status.at_rest:
        require_budget(store, search.owner)
        check(search.spec, store, settings, new=False)
    record = store.resume_search(search.id, retry_failed=retry_failed)
    if reconciler is not None:
        reconciler.wake()
    return record
