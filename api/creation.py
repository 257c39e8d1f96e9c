"""Creating a search of any kind: check its names, forecast its cost, record it once, wake the reconciler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from api.budgets import require_budget
from api.callers import Caller
from api.deps import CallerDep, IdempotencyKey, ReconcilerDep, SettingsDep, StoreDep
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


@dataclass(frozen=True)
class Creation:
    """A request to create a search, with all of the service that this takes.

    Attributes:
        request: The request.
        response: Its answer's headers: `Location`, and `Idempotency-Replayed` when the search existed before.
        store: Records the search.
        settings: The service's; they register the data sets and weights by name.
        reconciler: Starts the search; None without a cluster.
        caller: Who starts the search, and will own it.
        key: The request's idempotency key, which is that of the caller: another one's same text is another key.
        shared: Whether the key is everybody's instead: it names a question, which has one search whoever asks it.
    """

    request: Request
    response: Response
    store: Store
    settings: Settings
    reconciler: Reconciler | None
    caller: Caller
    key: str | None
    shared: bool = False

    def create(
        self, spec: SearchSpec, body: BaseModel, *, parent: str | None = None, route: str = "get_search"
    ) -> SearchRecord:
        """Record a new search, or find the one that an earlier delivery of the same request has recorded.

        Args:
            spec: The requested search, with its names resolved and its choices made.
            body: The request's content, to which the idempotency key is bound.
            parent: The id of the search that this one belongs to.
            route: Name of the route that reads the search, whose path is the answer's `Location`.

        Returns:
            The search as it is recorded.

        Raises:
            ApiError: 403; the caller's budget is spent.
            InputError: The spec names a data set, weights or a search that this service does not have, or cannot run
                with them.
            ConflictError: The idempotency key was used for another request.
        """
        key, owner, store = self.key, self.caller.owner, self.store
        if key is not None and owner is not None and not self.shared:
            key = content_key({"owner": owner, "key": key})
        if key is None or store.find_keyed(key) is None:  # a request that was accepted before is not checked again
            require_budget(store, owner)
            spec = number_classes(spec, self.settings)
            check(spec, store, self.settings)
        forecast = stored_forecast(spec, store)
        besides = kind_of(spec).read_besides(spec, store)
        bound = None if self.shared else _request_key(self.request, body)
        record, created = store.create_search(
            spec, key, parent=parent, forecast=forecast, request_key=bound, owner=owner, besides=besides
        )
        if not created:
            self.response.headers["Idempotency-Replayed"] = "true"
        elif self.reconciler is not None:
            self.reconciler.wake()
        self.response.headers["Location"] = str(self.request.url_for(route, search_id=record.id).path)
        return record

    def of_probe(self) -> Creation:
        """The creation of the request's probe: its own key stays free for the search itself."""
        return replace(self, key=self.key and content_key({"probe": self.key}))

    def of_question(self, key: str) -> Creation:
        """The creation of a question's probe, which its key finds again, whoever asks the same."""
        return replace(self, key=key, shared=True)

    def found(self, record: SearchRecord) -> SearchRecord:
        """Answer with a search that exists, as to a request that is delivered again."""
        self.response.headers["Idempotency-Replayed"] = "true"
        self.response.headers["Location"] = str(self.request.url_for("get_search", search_id=record.id).path)
        return record


async def _creation(
    *,
    request: Request,
    response: Response,
    store: StoreDep,
    settings: SettingsDep,
    reconciler: ReconcilerDep,
    caller: CallerDep,
    idempotency_key: IdempotencyKey = None,
) -> Creation:
    return Creation(request, response, store, settings, reconciler, caller, idempotency_key)


CreationDep = Annotated[Creation, Depends(_creation)]


def check(spec: SearchSpec, store: Store, settings: Settings, *, new: bool = True) -> None:
    """Check all that a spec names: data sets and weights, whether it can run with them, and other searches.

    Args:
        spec: The spec.
        store: Has the searches that it may name.
        settings: Of the service.
        new: Whether the search does not exist yet. One that does may go on as it was accepted.

    Raises:
        InputError: The service does not have one of them, or it does not fit.
    """
    check_names(spec, settings)
    check_feasible(spec, settings, store, new=new)
    kind_of(spec).check(spec, store)


def _request_key(request: Request, body: BaseModel) -> str:
    """Hash the content of a request: its path and its validated body, before anything is derived from the body."""
    return content_key({"path": route_path(request.scope), "body": body.model_dump(mode="json")})
