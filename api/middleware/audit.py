"""One line in the service's log for each request that would change something: who, what, on what, the answer."""

from __future__ import annotations

import logging
import re
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.callers import READING, Caller
from nas.escaping import one_line

log = logging.getLogger("segnas.audit")

_ID = re.compile(r"/([st][0-9a-f]{12})(?=/|$)")
"""Of a search or a token."""

_LONGEST = 100


class Audit:
    """ASGI middleware: writes the line when the answer has been sent, also where the request was refused.

    A dry run, which changes nothing, has no line. Every value is made by the service or has no space in it, so that no
    text of a user can pass for another value.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READING:
            await self.app(scope, receive, send)
            return
        answer: dict[str, Any] = {"status": 500, "location": ""}

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                answer["location"] = Headers(raw=message["headers"]).get("location", "")
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            if not (answer["status"] == 200 and b"dry_run=true" in scope.get("query_string", b"")):
                log.info("%s", line(scope, **answer))


def line(scope: Scope, status: int, location: str) -> str:
    """Make the line of an answered request.

    Args:
        scope: The request, after it was routed.
        status: The status of the answer.
        location: The answer's header `Location`: the path of what was created.
    """
    caller: Caller | None = scope.get("state", {}).get("caller")
    token = caller.token if caller is not None else None
    route = getattr(scope.get("route"), "name", None)
    found = _ID.search(location) or _ID.search(scope["path"])
    values = {
        "who": token.name if token is not None else "-",
        "token": token.id if token is not None else "none" if caller is None else "own",
        "did": route or f"{scope['method']}:{scope['path']}",
        "on": found[1] if found else "-",
        "status": str(status),
        "from": (scope.get("client") or ("-",))[0],
    }
    return " ".join(f"{name}={_word(value)}" for name, value in values.items())


def _word(text: str) -> str:
    return re.sub(r"\s", "_", one_line(text[:_LONGEST])) or "-"
