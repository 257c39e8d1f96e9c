"""A program that speaks HTTP and is no Segnas service: it answers what a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Behaviour = Callable[[BaseHTTPRequestHandler], None]


class Stranger:
    """A running HTTP server that answers requests by the behaviours given, in turn; the last one stays.

    Attributes:
        url: Where it listens.
        asked: The method, path and headers of each request.
        behaviours: What is still to come.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.behaviours: list[Behaviour] = []

    def answers(self, *behaviours: Behaviour) -> None:
        self.behaviours[:] = behaviours
        self.asked.clear()

    def keys(self) -> list[str | None]:
        """The idempotency keys of the requests."""
        return [headers.get("Idempotency-Key") for _, _, headers in self.asked]


def answer(status: int, body: bytes | str = b"", kind: str | None = None, **headers: str) -> Behaviour:
    """Answer with a status, a body and its media type."""
    content = body.encode() if isinstance(body, str) else body

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if kind is not None:
            handler.send_header("Content-Type", kind)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return behave


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            running.asked.append((self.command, self.path, dict(self.headers)))
            behaviours = running.behaviours
            (behaviours.pop(0) if len(behaviours) > 1 else behaviours[0])(self)

        do_GET = do_POST = _do  # noqa: N815  http.server's names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Stranger(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    server.shutdown()
    server.server_close()
    thread.join()
