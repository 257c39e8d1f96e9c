"""A service that has no files left: it says so once, and answers again when connections have ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api import open_files
from nas.client import Client
from nas.settings import Settings

ROOT = Path(__file__).parents[2]
FILES = 64


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((256, resource.RLIM_INFINITY), [open_files.ENOUGH]),
        ((1024, 4096), [4096]),
        ((4096, 4096), []),
        ((open_files.ENOUGH, resource.RLIM_INFINITY), []),
    ],
)
def test_the_limit_is_raised_as_far_as_it_may(monkeypatch, limits, expected):
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: asked.append(both))
    open_files.allow_many()
    assert asked == [(soft, limits[1]) for soft in expected]


def test_a_system_that_allows_less_than_it_says_is_asked_for_less(monkeypatch):
    asked: list[int] = []

    def set_limit(_: int, both: tuple[int, int]) -> None:
        asked.append(both[0])
        if both[0] > open_files.MACOS_MOST:
            raise ValueError("invalid argument")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    open_files.allow_many()
    assert asked == [open_files.ENOUGH, open_files.MACOS_MOST]


def test_other_reports_of_the_loop_stay_as_they_are(caplog):
    loop = asyncio.new_event_loop()
    open_files.say_once_that_none_is_left(loop)
    for _ in range(3):
        loop.call_exception_handler({"message": "socket.accept() out of system resource", "exception": OSError(24)})
        loop.call_exception_handler({"message": "something else"})
    loop.close()
    assert [text for text in caplog.messages if "connections wait" in text] == caplog.messages[:1]
    assert caplog.messages.count("something else") == 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_service_without_files_says_so_once_and_comes_back(home: Settings):
    ours = {"SEGNAS_HOME": str(home.folder), "SEGNAS_PORT": "0", "SEGNAS_RAY_DASHBOARD": "http://127.0.0.1:9"}
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("SEGNAS_", "RAY_"))}
    log = home.folder / "service.log"
    with log.open("w") as output:
        service = subprocess.Popen(
            [sys.executable, "-c", "import nas.cli; nas.cli.main()", "serve"],
            env=environment | ours | {"PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=output,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)),  # noqa: PLW1509
        )
    try:
        _until(lambda: (home.folder / "server.json").exists() or service.poll() is not None, log)
        with Client.from_home(home) as client:
            _until(client.alive, log)
            address = client.url.removeprefix("http://").split(":")
            with contextlib.ExitStack() as stack:
                for _ in range(2 * FILES):
                    stack.enter_context(socket.create_connection((address[0], int(address[1])), timeout=60))
                _until(lambda: "can open no more files" in log.read_text(), log)
            _until(client.alive, log)
            assert list(client.searches()) == []
        assert log.read_text().count("can open no more files") == 1
        assert "Traceback" not in log.read_text()
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=120) == 0
    finally:
        service.kill()
        service.wait()


def _until(condition, log: Path) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, log.read_text()[:3000]
        time.sleep(0.1)
