"""Every request has an id, which the answer and all log lines about it carry; every answer is counted."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.metrics.counts import NO_ROUTE
from nas.logs import log_with

HEADER = "X-Request-ID"

_ID = re.compile(r"[A-Za-z0-9._=+/-]{1,64}")


class Requests:
    """ASGI middleware: gives a request its id, the caller's own where the caller sent one, and counts the answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request = given if _ID.fullmatch(given) else secrets.token_hex(8)
        # Set for the rest of the task, which serves this request alone: the server logs a failure after this returns.
        log_with(lambda: {"request": request, **_place(scope)})
        began = time.perf_counter()
        status, seconds = 500, None

        async def answered(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - began
                MutableHeaders(scope=message)[HEADER] = request
            await send(message)

        try:
            await self.app(scope, receive, answered)
        finally:
            took = time.perf_counter() - began if seconds is None else seconds
            self.metrics.answered(scope["method"], _route(scope), status, took)


def _route(scope: Scope) -> str:
    """The template of the path that a request went to; of a mounted folder, the folder."""
    outside = scope.get("app_root_path", scope.get("root_path", ""))
    route = scope.get("route")
    if route is None:
        return scope.get("root_path", "").removeprefix(outside) or NO_ROUTE
    # A route may know its path without the prefix of the router that it was included with.
    asked, template = scope["path"].removeprefix(outside).split("/"), str(route.path).split("/")
    return "/".join([*asked[: len(asked) - len(template) + 1], *template[1:]])


def _place(scope: Scope) -> Mapping[str, object]:
    """The search and the trial that the path of a request names."""
    named = scope.get("path_params", {})
    place: dict[str, object] = {"search": named["search_id"]} if "search_id" in named else {}
    if str(named.get("number", "")).isdecimal():
        place["trial"] = int(named["number"])
    return place
