"""What a request's body may be: at most 1 MiB, and JSON as RFC 8259 has it (no NaN, no Infinity)."""

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

MAX_BODY = 1 << 20
"""Bytes; a search spec is a few hundred."""

DISCARDED = 64 << 20
"""Bytes of a body that is too large that are read and thrown away."""

TOO_LARGE = f"the body is larger than {MAX_BODY} bytes"


class BodyLimit:
    """ASGI middleware: 413 for a larger body, whether its length was announced or it comes in chunks."""

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY) -> None:
        self.app = app
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("Content-Length", "0")
        if announced.isdigit() and int(announced) > self.max_body:
            if "Expect" not in headers:  # such a client has not sent its body yet
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
                # FastAPI turns every other exception of a body's reading into a 400.
                raise HTTPException(413, TOO_LARGE, {"Connection": "close"})
            return message

        await self.app(scope, counted, send)


async def _discard(receive: Receive) -> None:
    """Take what the client still sends, within bounds: one that is cut off while it sends never sees the answer."""
    left = DISCARDED
    while left > 0:
        message = await receive()
        if not message.get("more_body", False):
            return
        left -= len(message["body"])


class StrictJsonRequest(Request):
    """A request whose JSON must be JSON: what cannot be parsed is one kind of error, with its place."""

    async def json(self) -> Any:
        """The parsed body. json.JSONDecodeError for anything that is not RFC 8259 JSON."""
        body = await self.body()
        try:
            return json.loads(body.decode("utf-8"), parse_constant=_refuse)
        except json.JSONDecodeError:
            raise
        except RecursionError:
            raise _not_json("it is nested too deeply") from None
        except UnicodeDecodeError:
            raise _not_json("it is not UTF-8 text") from None
        except ValueError as error:
            raise _not_json(
                str(error) if isinstance(error, _NotFiniteError) else "a number has too many digits"
            ) from None


class StrictJsonRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given a strict request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return strict


class _NotFiniteError(ValueError):
    pass


def _refuse(name: str) -> Any:
    raise _NotFiniteError(f"{name} is not a JSON number")


def _not_json(reason: str) -> json.JSONDecodeError:
    return json.JSONDecodeError(reason, "", 0)
