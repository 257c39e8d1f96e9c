"""The health check of containers, against real servers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from workers.cluster.probe import main


@contextmanager
def answering(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"the store is away")

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/readyz"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_healthy_is_what_answers_everywhere(monkeypatch, capsys):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(200) as one, answering(200) as other, answering(503) as away:
        assert main([one, other]) == 0
        assert capsys.readouterr().out == ""
        assert main([one, away, other]) == 1
        assert capsys.readouterr().out == f"{away} answers 503: the store is away\n"


def test_what_does_not_answer_is_said(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert main([url]) == 1
    assert capsys.readouterr().out.startswith(f"{url} does not answer: ")


def test_a_probe_of_nothing_is_refused():
    with pytest.raises(SystemExit, match="usage"):
        main([])
