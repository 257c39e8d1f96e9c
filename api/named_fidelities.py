"""`"fidelity": "CALIBRATION_ID"` in a search's spec: resolved at the door, so that the record holds it in full."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from anyio import to_thread
from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.middleware.body import StrictJsonRequest
from nas.kinds.protocol import refused_fidelity
from nas.kinds.registry import kind_of
from nas.specs import Fidelity
from nas.store import NotFoundError, Store

_NAME = re.compile(r"(s[0-9a-f]{12})(?:/(.{1,100}))?")


def named_fidelity(name: str, store: Store) -> Fidelity:
    """The fidelity that `CALIBRATION_ID` recommends, or the proxy of `CALIBRATION_ID/PROXY`. InputError when none."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise refused_fidelity(
            f"{name[:120]!r} names no fidelity: a mapping of fields is needed here, or a calibration's id, alone "
            "or with a proxy's name after a slash (s0123456789ab/short)"
        )
    search_id, proxy = match.groups()
    try:
        search = store.get_search(search_id)
    except NotFoundError:
        raise refused_fidelity(f"there is no calibration {search_id!r}") from None
    return kind_of(search.spec).named_fidelity(search, proxy, store)


class SpecRequest(StrictJsonRequest):
    """A request whose body may name its fidelity."""

    _resolved: Any = None

    async def resolve(self, store: Store) -> None:
        """Put the fidelity in place of its name. InputError when there is none of it."""
        try:
            body = await self.json()
        except json.JSONDecodeError:
            return  # FastAPI meets it again, and says so in its place
        if isinstance(body, dict) and isinstance(body.get("fidelity"), str):
            fidelity = await to_thread.run_sync(named_fidelity, body["fidelity"], store)
            self._resolved = {**body, "fidelity": fidelity.model_dump(mode="json")}

    async def json(self) -> Any:
        """The body, with the fidelity in full once it was resolved."""
        return await super().json() if self._resolved is None else self._resolved


class SpecRoute(APIRoute):
    """A route that reads its body strictly, and takes the name of a fidelity for the fidelity."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given a request whose body is resolved."""
        handle = super().get_route_handler()

        async def resolved(request: Request) -> Response:
            strict = SpecRequest(request.scope, request.receive)
            if self.body_field is not None:
                await strict.resolve(request.app.state.store)
            return await handle(strict)

        return resolved
