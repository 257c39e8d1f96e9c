"""Limits on request bodies: at most 1 MiB, and JSON as RFC 8259 defines it (no NaN, no Infinity)."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

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

TOO_LARGE = f"the body is larger than {MAX_BODY} bytes"


class BodyLimit:
    """ASGI middleware: answers 413 to a body that is too large, whether it announces its length or comes in chunks."""

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY) -> None:
        self.app = app
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("Content-Length", "0")
        if announced.isdigit() and int(announced) > self.max_body:
            if "Expect" not in headers:  # a client that sends Expect has not sent its body yet
                await _discard(receive)
            await problem(413, TOO_LARGE, headers={"Connection": "close"})(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_body:
                if message.get("more_body", False):
                    await _discard(receive)
                # FastAPI answers 400 to any other exception while a body is read.
                raise HTTPException(413, TOO_LARGE, {"Connection": "close"})
            return message

        await self.app(scope, counted, send)


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
            json.JSONDecodeError: The body is not JSON as RFC 8259 defines it.
        """
        body = await self.body()
        try:
            return parse_json(body.decode("utf-8"))
        except UnicodeDecodeError:
            raise json.JSONDecodeError("it is not UTF-8 text", "", 0) from None


class StrictJsonRoute(APIRoute):
    """A route whose request is a `StrictJsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return strict
