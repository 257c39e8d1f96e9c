"""Creating a search of any kind: check its names, forecast its cost, record it once, wake the reconciler."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import BaseModel

from api.budgets import require_budget
from api.callers import Caller
from api.feasibility import check_feasible
from api.middleware.root_path import route_path
from api.names import check_names, number_classes
from api.reconciler import Reconciler
from nas.forecast import stored_forecast
from nas.kinds.registry import kind_of
from nas.settings import Settings
from nas.specs import SearchSpec
from nas.store import SearchRecord, Store
from search_spaces.base import content_key


def create(
    spec: SearchSpec,
    store: Store,
    settings: Settings,
    reconciler: Reconciler | None,
    response: Response,
    *,
    key: str | None,
    request_key: str,
    caller: Caller,
    parent: str | None = None,
) -> SearchRecord:
    """Record a new search, or find the one that an earlier delivery of the same request has recorded.

    Args:
        spec: The requested search, with its names resolved and its choices made.
        store: Records the search.
        settings: The service's; they register the data sets and weights by name.
        reconciler: Starts the search; None without a cluster.
        response: Gets the header `Idempotency-Replayed` when the search existed before.
        key: The request's idempotency key, which is that of the caller: another one's same text is another key.
        request_key: The content hash to which the idempotency key is bound; see `request_key`.
        caller: Who starts the search, and will own it.
        parent: The id of the search that this one belongs to.

    Returns:
        The search as it is recorded.

    Raises:
        ApiError: 403; the caller's budget is spent.
        InputError: The spec names a data set, weights or a search that this service does not have, or cannot run with
            them.
        ConflictError: The idempotency key was used for another request.
    """
    if key is not None and caller.owner is not None:
        key = content_key({"owner": caller.owner, "key": key})
    if key is None or store.find_keyed(key) is None:  # a request that was accepted before is not checked again
        require_budget(store, caller.owner)
        spec = number_classes(spec, settings)
        check(spec, store, settings)
    forecast = stored_forecast(spec, store)
    record, created = store.create_search(
        spec, key, parent=parent, forecast=forecast, request_key=request_key, owner=caller.owner
    )
    if not created:
        response.headers["Idempotency-Replayed"] = "true"
    elif reconciler is not None:
        reconciler.wake()
    return record


def check(spec: SearchSpec, store: Store, settings: Settings) -> None:
    """Check all that a spec names: data sets and weights, whether it can run with them, and other searches.

    Raises:
        InputError: The service does not have one of them, or it does not fit.
    """
    check_names(spec, settings)
    check_feasible(spec, settings, store)
    kind_of(spec).check(spec, store)


def request_key(request: Request, body: BaseModel) -> str:
    """Hash the content of a request: its path and its validated body, before anything is derived from the body."""
    return content_key({"path": route_path(request.scope), "body": body.model_dump(mode="json")})
