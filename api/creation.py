"""A new row of `searches`, whatever its kind: recorded once, its cost forecast, the reconciler told."""

from __future__ import annotations

from fastapi import Response

from api.answers.forecasts import stored_forecast
from api.names import check_names
from api.reconciler import Reconciler
from nas.settings import Settings
from nas.specs import SearchSpec
from nas.store import SearchRecord, Store


def create(
    spec: SearchSpec,
    store: Store,
    settings: Settings,
    reconciler: Reconciler | None,
    response: Response,
    *,
    key: str | None,
    parent: str | None = None,
) -> SearchRecord:
    """The search; the one there is when the idempotency key was used for it, which a header says.

    InputError for names that this server does not know, ConflictError for a key that was used otherwise.
    """
    check_names(spec, settings)
    forecast = stored_forecast(spec, store)
    record, created = store.create_search(spec, key, parent=parent, forecast=forecast)
    if not created:
        response.headers["Idempotency-Replayed"] = "true"
    elif reconciler is not None:
        reconciler.wake()
    return record
