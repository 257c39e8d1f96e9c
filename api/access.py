"""The check of rights before every operation, by the table of `api.callers`."""

from __future__ import annotations

from anyio import to_thread
from fastapi import Depends, Request

from api.callers import Caller, Need, need
from api.deps import StoreDep, find_search
from api.errors import ApiError
from nas.specs.tokens import Scope
from nas.store import SearchRecord, Store


async def _authorise(request: Request, store: StoreDep) -> None:
    needed = need(request.scope["route"].name, request.method)
    caller: Caller | None = getattr(request.state, "caller", None)
    if needed is Need.NOTHING:
        return
    if caller is None:  # no middleware has let the request pass, so its path is not what the middleware saw
        raise ApiError(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
    if (refusal := caller.refusal(needed)) is not None:
        raise ApiError(403, refusal)
    if needed is Need.OWN and caller.scope is not Scope.ADMIN:
        await to_thread.run_sync(_require_own, caller, store, request.path_params["search_id"])


def _require_own(caller: Caller, store: Store, search_id: str) -> None:
    require_own(caller, find_search(store, search_id))


def require_own(caller: Caller, search: SearchRecord) -> None:
    """Check that a caller may change a search.

    Raises:
        ApiError: 403; the search is another one's.
    """
    if not caller.may_change(search.owner):
        whose = f"to {search.owner}" if search.owner is not None else "to no token"
        raise ApiError(403, f"search {search.id} belongs {whose}: the token {caller.owner} may change only its own")


AUTHORISED = Depends(_authorise)
"""Dependency of a router: refuses whoever may not do what the route does."""
