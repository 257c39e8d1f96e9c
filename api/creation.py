"""A new row of `searches`, whatever its kind: recorded once, its cost forecast, the reconciler told."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import BaseModel

from api.answers.forecasts import stored_forecast
from api.names import check_names
from api.reconciler import Reconciler
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
    parent: str | None = None,
) -> SearchRecord:
    """Record a new search, or find the one that an earlier delivery of the same request has recorded.

    Args:
        spec: What the request asks for, with its names resolved and its choices made.
        store: Where it is recorded.
        settings: The service's, which know the data sets and weights by name.
        reconciler: What starts the search; None without a cluster.
        response: Says in the header `Idempotency-Replayed` that the search was there before.
        key: The request's idempotency key.
        request_key: What the idempotency key is bound to; see `request_key`.
        parent: The id of the search that this one belongs to.

    Returns:
        The search as it is recorded.

    Raises:
        InputError: The spec names a data set or weights that this service does not have.
        ConflictError: The idempotency key was used for another request.
    """
    check_names(spec, settings)
    forecast = stored_forecast(spec, store)
    record, created = store.create_search(spec, key, parent=parent, forecast=forecast, request_key=request_key)
    if not created:
        response.headers["Idempotency-Replayed"] = "true"
    elif reconciler is not None:
        reconciler.wake()
    return record


def request_key(request: Request, asked: BaseModel) -> str:
    """Content hash of a request: its path and its body as validated, before anything is derived from it."""
    return content_key({"path": request.url.path, "body": asked.model_dump(mode="json")})
