"""Security headers of every response."""

from __future__ import annotations

import base64
import hashlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nas.drawing.palette import STYLESHEET


def _hash(inline: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


POLICY = (
    # The stylesheet inside drawings is the one inline style that is allowed: by its hash, and it is always the same.
    # Pictures are asked for with the token, which a browser's own request for one would not send, and shown as blobs.
    f"default-src 'self'; img-src 'self' blob:; style-src 'self' {_hash(STYLESHEET)}; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""The content security policy."""


class PageHeaders:
    """ASGI middleware: forbids browsers to run other sites' scripts, to frame pages and to guess media types.

    A response that has one of these headers already keeps its own.
    """

    HEADERS = (
        (b"content-security-policy", POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                further = [header for header in self.HEADERS if header[0] not in given]
                message["headers"] = [*message["headers"], *further]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
