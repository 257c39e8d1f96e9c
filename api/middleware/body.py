"""Limits on request bodies: at most 1 MiB, uncompressed, within a time, and JSON as RFC 8259 defines it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem
from search_spaces.json_text import parse_json

MAX_BODY = 1 << 20
"""In bytes; a search spec has a few hundred."""

DISCARDED = 64 << 20
"""How many bytes of a body that is too large are read and discarded."""

BODY_SECONDS = 30.0
"""How long a body may take to arrive: a client that sends byte by byte would keep its connection for ever."""

MOST_VALUES = 25_000
"""Numbers, texts, lists and objects in one body. A choice of 10,000 trials is the most that a request can mean, and
to find out what is wrong with each of some hundred thousand takes seconds, in which the service answers nobody."""

TOO_LARGE = f"the body is larger than {MAX_BODY} bytes"


class BodyLimit:
    """ASGI middleware: answers 413 to a body that is too large, 415 to a compressed one, 408 to one that never ends."""

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY, seconds: float = BODY_SECONDS) -> None:
        self.app = app
        self.max_body = max_body
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        encoding = headers.get("Content-Encoding", "identity").strip().lower()
        announced = headers.get("Content-Length", "0")
        if encoding not in ("", "identity"):
            detail = f"send the body as it is, without Content-Encoding: {encoding[:40]}"
            await problem(415, detail, headers={"Accept-Encoding": "identity"})(scope, receive, send)
        elif announced.isdigit() and int(announced) > self.max_body:
            if "Expect" not in headers:  # a client that sends Expect has not sent its body yet
                await _discard(receive)
            await problem(413, TOO_LARGE, headers={"Connection": "close"})(scope, receive, send)
        else:
            await self.app(scope, self._bounded(receive), send)

    def _bounded(self, receive: Receive) -> Receive:
        """Make the `receive` of one request, which raises HTTPException where its body is too large or too slow."""
        seen, ended = 0, False
        deadline = anyio.current_time() + self.seconds

        async def bounded() -> Message:
            nonlocal seen, ended
            # After its body, a request is listened to for the end of the connection only, however long that takes.
            with anyio.CancelScope(deadline=math.inf if ended else deadline) as waiting:
                message = await receive()
            if waiting.cancelled_caught:
                raise HTTPException(408, f"the body did not arrive within {self.seconds:g} s", {"Connection": "close"})
            ended = not message.get("more_body", False)
            seen += len(message.get("body", b""))
            if seen > self.max_body:
                if message.get("more_body", False):
                    await _discard(receive)
                # FastAPI answers 400 to any other exception while a body is read.
                raise HTTPException(413, TOO_LARGE, {"Connection": "close"})
            return message

        return bounded


async def _discard(receive: Receive) -> None:
    """Read the rest of a body, within bounds: a client that is cut off while it sends never sees the answer."""
    left = DISCARDED
    while left > 0:
        message = await receive()
        if not message.get("more_body", False):
            return
        left -= len(message["body"])


class StrictJsonRequest(Request):
    """A request that accepts only JSON of RFC 8259, and raises one type of error for any other body."""

    async def json(self) -> Any:
        """Parse the body.

        Raises:
            json.JSONDecodeError: The body is not JSON as RFC 8259 defines it, or has more than `MOST_VALUES`.
        """
        body = await self.body()
        try:
            content = parse_json(body.decode("utf-8"))
        except UnicodeDecodeError:
            raise json.JSONDecodeError("it is not UTF-8 text", "", 0) from None
        if _has_more_values(content, MOST_VALUES):
            raise json.JSONDecodeError(f"it has more than {MOST_VALUES} values", "", 0)
        return content


class StrictJsonRoute(APIRoute):
    """A route whose request is a `StrictJsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return strict


def _has_more_values(content: Any, most: int) -> bool:
    pending, count = [content], 0
    while pending and count <= most:
        value = pending.pop()
        count += 1
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return count > most
