"""Commands started while the service is down: one that was killed may come back, one that ended in order does not."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from nas.client import Client, ClientError, find_url
from nas.client.address import LOCK_FILE, SERVER_FILE, RunningServer, find_service
from nas.client.connection import Connection
from nas.client.outage import Outage
from nas.settings import Settings
from nas.state_files import read_state
from tests.nas.client.conftest import answer

ROOT = Path(__file__).parents[3]
SEGNAS = [sys.executable, "-c", "import nas.cli; nas.cli.main()"]
LONG = 120.0
WAITS = "it may be restarting, so it is waited for, up to 10.0 min"


class Machine:
    """A home folder whose service is started and ended as a process, without a Ray.

    Attributes:
        settings: Of the service.
        url: Where the service listens, again after each start.
    """

    def __init__(self, home: Settings) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.settings = home
        self.url = f"http://127.0.0.1:{port}"
        ours = {
            "SEGNAS_HOME": str(home.folder),
            "SEGNAS_PORT": str(port),
            "SEGNAS_RAY_DASHBOARD": "http://127.0.0.1:9",  # a cluster that is away: none is started here
            "SEGNAS_DATASETS": json.dumps({name: e.model_dump(mode="json") for name, e in home.datasets.items()}),
            "PYTHONPATH": str(ROOT),
        }
        self._environment = {n: v for n, v in os.environ.items() if not n.startswith(("SEGNAS_", "RAY_"))} | ours
        self._log = (home.folder / "service.log").open("w")
        self._running: list[subprocess.Popen[str]] = []

    def use_any_port(self) -> None:
        """Let the service serve on another port after each start."""
        self._environment["SEGNAS_PORT"] = "0"

    def start(self) -> subprocess.Popen[str]:
        """Start the service, and wait until it answers."""
        service = self.run("serve", output=self._log)
        until(lambda: self._server().pid == service.pid, (self.settings.folder / "service.log").read_text)
        self.url = self._server().url
        with Client(self.url) as client:
            until(client.alive, (self.settings.folder / "service.log").read_text)
        return service

    def _server(self) -> RunningServer:
        return read_state(self.settings.folder / SERVER_FILE, RunningServer) or RunningServer(url="http://x", pid=1)

    def run(self, *arguments: str, output: int | IO[str] = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start a command."""
        process = subprocess.Popen(
            [*SEGNAS, *arguments], env=self._environment, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        self._running.append(process)
        return process

    def search(self, name: str) -> str:
        """Queue a search."""
        with Client(self.url) as client:
            return client.create_search({"name": name, "fidelity": {"dataset": "scenes"}}).id

    def close(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self._log.close()


def until(condition: Callable[[], object], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def machine(home: Settings) -> Iterator[Machine]:
    machine = Machine(home)
    yield machine
    machine.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_commands_ride_out_a_service_that_was_killed_before_they_began(machine: Machine, tmp_path):
    """`watch` and `submit`, which say so; the request is carried out once."""
    service = machine.start()
    search = machine.search("watched")
    killed(service)
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: submitted\nfidelity: {dataset: scenes}\n")
    watching = machine.run("watch", search)
    submitting = machine.run("submit", str(spec))
    for process in (watching, submitting):
        assert next_line(process) == f"segnas: no answer from {machine.url}: {WAITS}"
    service = machine.start()
    out, _ = submitting.communicate(timeout=LONG)
    assert submitting.returncode == 0, out
    submitted = out.strip()
    assert next_line(watching).startswith("queued")
    with Client(machine.url) as client:
        client.stop(search)
        assert sorted(found.name for found in client.searches()) == ["submitted", "watched"]
        assert client.search(submitted).name == "submitted"
    out, _ = watching.communicate(timeout=LONG)
    assert f"{search} stopped" in out
    assert watching.returncode == 1

    service.send_signal(signal.SIGTERM)
    assert service.wait(LONG) == 0
    for command in (("watch", search), ("submit", str(spec)), ("searches",)):
        ended = machine.run(*command)
        out, _ = ended.communicate(timeout=LONG)
        assert (ended.returncode, len(out.splitlines())) == (1, 1), out
        assert "no service answers at http://127.0.0.1:8000" in out, "nobody says where one was"
        assert "start one with: segnas serve" in out


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_patience_is_the_way_out(machine: Machine):
    service = machine.start()
    search = machine.search("watched")
    killed(service)
    ended = machine.run("watch", search, "--patience", "0")
    out, _ = ended.communicate(timeout=LONG)
    assert (ended.returncode, out.splitlines()) == (1, [out.strip()])
    assert f"no service answers at {machine.url}" in out
    ended = machine.run("watch", "latest", "--patience", "1")  # the id is looked up first
    out, _ = ended.communicate(timeout=LONG)
    first, last = out.splitlines()
    assert first.endswith("waited for, up to 1.0 s")
    assert f"no service answers at {machine.url}" in last


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_service_that_comes_back_on_another_port_is_followed(machine: Machine, tmp_path):
    """By a command that had an answer, by one that waited from its start, and by a request that was not answered."""
    machine.use_any_port()
    service = machine.start()
    first, search = machine.url, machine.search("watched")
    watching = machine.run("watch", search)
    assert next_line(watching).startswith("queued")
    killed(service)
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: submitted\nfidelity: {dataset: scenes}\n")
    submitting = machine.run("submit", str(spec))
    for process in (watching, submitting):
        assert next_line(process) == f"segnas: no answer from {first}: {WAITS}"
    machine.start()
    assert machine.url != first
    for process in (watching, submitting):
        assert next_line(process) == f"segnas: the service is at {machine.url} now"
    with Client(machine.url) as client:
        client.stop(search)
        assert client.search(next_line(submitting)).name == "submitted"
    assert submitting.wait(LONG) == 0
    assert watching.stdout is not None
    assert f"{search} stopped" in watching.stdout.read()


def test_only_the_service_of_the_home_folder_is_followed(home: Settings, stranger, monkeypatch, caplog):
    """One that SEGNAS_URL names is not another one, wherever a service of this home folder may run."""
    monkeypatch.setattr("nas.client.outage.FIRST_PAUSE", 0.01)
    monkeypatch.delenv("SEGNAS_URL", raising=False)
    dead = "http://127.0.0.1:9"
    health = json.dumps({"status": "ok", "version": "1"})
    stranger.answers(answer(200, health, "application/json"))
    server = home.folder / SERVER_FILE
    server.write_text(json.dumps({"url": dead, "pid": 1}))
    for named in (False, True):
        if named:
            monkeypatch.setenv("SEGNAS_URL", dead)
        with Client.from_home(home, patience=0.2) as client, caplog.at_level(logging.WARNING, "segnas.client"):
            server.write_text(json.dumps({"url": f"{stranger.url}/", "pid": 1}))
            assert client.url == dead
            assert client.alive() is False, "it was not asked yet whether the address is still right"
            assert client.alive() is not named
            assert client.url == (dead if named else stranger.url)
            server.write_text(json.dumps({"url": dead, "pid": 1}))
            assert client.alive() is not named, "a service that answers is not left"
    assert [record.getMessage() for record in caplog.records] == [f"the service is at {stranger.url} now"]


@pytest.mark.parametrize("file", [SERVER_FILE, LOCK_FILE])
def test_a_service_that_starts_or_was_killed_is_known(home: Settings, file, monkeypatch):
    """The first leaves its lock's file before it answers, the second its address."""
    monkeypatch.delenv("SEGNAS_URL", raising=False)
    since = {"host": socket.gethostname(), "since": "2026-01-01T00:00:00Z"}
    said = {"url": "http://127.0.0.1:9", "pid": os.getpid(), **(since if file == LOCK_FILE else {})}
    assert find_service(home)[:2] == ("http://127.0.0.1:8000", False)
    (home.folder / file).write_text(json.dumps(said))
    assert find_service(home)[:2] == ("http://127.0.0.1:9", True)
    for url, known in (
        ("http://localhost:9/", True),
        ("http://[::1]:9", True),
        ("http://127.0.0.1:10", False),
        ("http://segnas.invalid:9", False),
        ("http://[", False),
        ("http://127.0.0.1:99999", False),
    ):
        monkeypatch.setenv("SEGNAS_URL", url)
        assert find_service(home) == (url, known, True)
    monkeypatch.delenv("SEGNAS_URL")
    with Client.from_home(home, patience=0.0) as client:
        assert client._connection.expected


@pytest.mark.parametrize(
    "changes", [{"pid": 2**22 + 1}, {"pid": 0}, {"pid": -1}, {"host": "elsewhere"}, {"url": "nonsense"}, {"pid": 2**80}]
)
def test_a_lock_that_nobody_holds_says_nothing(home: Settings, changes, monkeypatch):
    monkeypatch.delenv("SEGNAS_URL", raising=False)
    said = {"url": "http://127.0.0.1:9", "pid": os.getpid(), "host": socket.gethostname(), "since": "2026-01-01T00:00Z"}
    (home.folder / LOCK_FILE).write_text(json.dumps(said | changes))
    assert find_url(home) == "http://127.0.0.1:8000"


def test_what_another_machine_does_not_answer_is_asked_again(monkeypatch, caplog):
    """A name that does not exist is a mistake, and told at once; so is a wrong certificate."""
    monkeypatch.setattr("nas.client.outage.FIRST_PAUSE", 0.01)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    connection = Connection("http://127.0.0.1:9", None, 0.3)
    connection.expected = True  # as one of another machine is, of which a test has none
    begun = time.monotonic()
    with caplog.at_level(logging.WARNING, "segnas.client"), pytest.raises(ClientError) as error:
        connection.send("GET", "/healthz")
    assert 0.1 < time.monotonic() - begun < 10
    assert error.value.refused
    assert [record.getMessage() for record in caplog.records] == [
        "no answer from http://127.0.0.1:9: it may be restarting, so it is waited for, up to 0.3 s"
    ]
    connection.close()
    with Client("http://segnas.invalid:8000") as client:
        assert client._connection.expected
        with pytest.raises(ClientError, match="check the address") as error:
            client.server()
        assert not error.value.refused


def test_a_wait_says_what_it_waits_for(stranger, caplog, monkeypatch):
    """A service that answers, but is not ready, does not restart. A patience that is no number is none."""
    monkeypatch.setattr("nas.client.outage.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("nas.client.outage.LONGEST_PAUSE", 0.1)
    problem = json.dumps({"title": "x", "status": 503, "detail": "no answer from the Ray cluster"})
    stranger.answers(answer(503, problem, "application/problem+json", Retry_After="0"))
    with (
        Client(stranger.url, patience=2.0) as client,
        caplog.at_level(logging.WARNING, "segnas.client"),
        pytest.raises(ClientError, match="no answer from the Ray cluster"),
    ):
        client.spaces()
    said = f"not yet, says the service at {stranger.url} (no answer from the Ray cluster)"
    assert [record.getMessage() for record in caplog.records] == [f"{said}, so it is waited for, up to 2.0 s"]
    with Client(stranger.url, patience=float("nan")) as client, pytest.raises(ClientError, match="Ray cluster"):
        client.spaces()
    assert len(caplog.records) == 1


def test_a_client_that_was_stopped_itself_has_its_patience_left(monkeypatch):
    """After Ctrl-Z for an hour, a stream that broke meanwhile is opened again."""
    now = [0.0]
    monkeypatch.setattr("nas.client.outage.time.monotonic", lambda: now[0])
    lost = ClientError("lost", temporary=True, sent=True)
    with Client("http://127.0.0.1:9") as client:
        outage = Outage(client._connection, 600.0)
        for stopped in (3600.0, 80.0, 80.0, 80.0, 80.0, 80.0, 80.0):
            now[0] += stopped
            outage.pause_after(lost)
        now[0] += 80.0
        with pytest.raises(ClientError, match="lost"):  # eight looks in vain, each of which counts 75 s
            outage.pause_after(lost)


def test_whether_a_service_is_there_is_answered_at_once():
    with Client("http://127.0.0.1:9") as client:
        client._connection.expected = True
        begun = time.monotonic()
        assert not client.alive()
        assert not client.ready()
        assert time.monotonic() - begun < 5


def test_a_service_that_ended_in_order_leaves_no_trace(home: Settings):
    from api.owner import own

    with own(home.folder) as ownership:
        ownership.announce("http://127.0.0.1:9")
        assert find_url(home) == "http://127.0.0.1:9", "it starts"
        assert read_state(home.folder / SERVER_FILE, RunningServer) is None
    assert find_url(home) == "http://127.0.0.1:8000"
