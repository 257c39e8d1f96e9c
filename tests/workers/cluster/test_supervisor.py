"""Starting Ray again: when, how often, and when not. This Ray is told what to do; test_process.py has a real one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest

from nas.settings import Settings
from workers.cluster import refusals, supervisor
from workers.cluster.health import PARTS
from workers.cluster.jobs import ClusterUnreachable, job_id
from workers.cluster.local import LocalRay, StartCancelledError
from workers.cluster.supervisor import LONGEST_PAUSE, Outage, Supervisor, pause
from workers.cluster.watch import Watch

JOB = job_id("s000000000000", 1)


@dataclass(frozen=True)
class ToldRay(LocalRay):
    """A Ray of which no process lives, so that it counts as dead; `starts` says what becomes of each start."""

    starts: list[Exception | None] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    hang: bool = False

    def restart(self, settings: Settings, cancelled: Callable[[], bool] = lambda: False) -> Self:
        self.begun.append(time.monotonic())
        if self.hang or not self.starts:
            while not cancelled():
                time.sleep(0.01)
            raise StartCancelledError("given up")
        outcome = self.starts.pop(0)
        if outcome is not None:
            raise outcome
        return self


@pytest.fixture
def ray_told(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.01)
    (tmp_path / "token").write_text("t" * 64)

    def make(*starts: Exception | None, hang: bool = False) -> ToldRay:
        return ToldRay(tmp_path, "http://127.0.0.1:9", "", "nobody", Path("/nowhere"), "", list(starts), hang=hang)

    return make


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_failing_starts_are_repeated_with_pauses_and_end_nothing(ray_told, monkeypatch, tmp_path):
    monkeypatch.setattr(supervisor, "pause", lambda failures: 0.01 * failures)
    ray = ray_told(RuntimeError("port 8265 is taken"), OSError("disk full"), AssertionError("does not end"), None, None)
    with Supervisor(Settings(home=tmp_path), ray) as kept:
        until(lambda: kept.restarts == 2)
        until(lambda: len(ray.begun) == 6)
    assert not ray.starts


def test_what_is_said_while_ray_is_down(ray_told, tmp_path):
    ray = ray_told(RuntimeError("port 8265 is taken"))
    with Supervisor(Settings(home=tmp_path), ray) as kept:
        until(lambda: len(ray.begun) == 2)
        said = (
            "Ray has failed (its gcs_server is dead) and is being started again; "
            "the last try failed: port 8265 is taken"
        )
        assert dict(kept.cluster.problems()) == dict.fromkeys(PARTS, said)
        assert kept.cluster.unreachable() == said
        for call in (kept.cluster.state, kept.cluster.stop, kept.cluster.logs):
            with pytest.raises(ClusterUnreachable, match="its gcs_server is dead"):
                call(JOB)
        with pytest.raises(ClusterUnreachable, match="its gcs_server is dead"):
            kept.cluster.submit("s000000000000", 1, "name")


def test_a_dead_ray_is_known_before_the_thread_has_looked(ray_told, tmp_path):
    kept = Supervisor(Settings(home=tmp_path), ray_told())
    assert kept.why_down() == str(Outage("its gcs_server is dead"))
    with pytest.raises(ClusterUnreachable, match="its gcs_server is dead"):
        kept.cluster.state(JOB)


class DeafServer(BaseHTTPRequestHandler):
    """A job server that answers what it is asked, and takes no job."""

    def do_GET(self) -> None:
        self.answer(404 if self.path.startswith("/api/jobs/") else 200, b"{}")

    def do_POST(self) -> None:
        self.answer(500, b"No available agent to submit job, please try again later.")

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a deaf job server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), DeafServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_ray_that_takes_no_job_is_started_again(ray_told, deaf, tmp_path, monkeypatch):
    """Its processes live and answer; only what is submitted is never taken."""
    monkeypatch.setattr(Watch, "look", lambda _: None)
    monkeypatch.setattr(Watch, "dead", lambda _: None)
    monkeypatch.setattr(refusals, "DEAF_SECONDS", 0.0)
    ray = replace(ray_told(None, None), dashboard_url=deaf)
    with Supervisor(Settings(home=tmp_path), ray) as kept:
        for times in range(1, 4):
            assert kept.restarts == 0
            with pytest.raises(ClusterUnreachable, match="did not take the job: No available agent"):
                kept.cluster.submit("s000000000000", times, "name")
        until(lambda: kept.restarts == 1)
        assert kept.why_down() is None
        time.sleep(0.1)
        assert kept.restarts == 1, "what was refused before says nothing about the new one"


def test_what_fails_while_ray_is_down_is_no_deafness(ray_told, tmp_path, monkeypatch):
    monkeypatch.setattr(refusals, "DEAF_SECONDS", 0.0)
    kept = Supervisor(Settings(home=tmp_path), ray_told())
    for _ in range(3):
        with pytest.raises(ClusterUnreachable, match="its gcs_server is dead"):
            kept.cluster.submit("s000000000000", 1, "name")
    assert kept.cluster.refusals.deaf() is None


def test_the_end_does_not_wait_for_a_start(ray_told, tmp_path):
    ray = ray_told(hang=True)
    with Supervisor(Settings(home=tmp_path), ray):
        until(lambda: ray.begun)
        before = time.monotonic()
    assert time.monotonic() - before < 5
    assert not [thread for thread in threading.enumerate() if thread.name == "supervisor"]


def test_the_end_does_not_wait_for_a_pause(ray_told, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "pause", lambda failures: 600.0 if failures else 0.0)
    ray = ray_told(RuntimeError("no"))
    with Supervisor(Settings(home=tmp_path), ray):
        until(lambda: ray.begun)
        before = time.monotonic()
    assert time.monotonic() - before < 5
    assert len(ray.begun) == 1


def test_a_token_that_was_lost_is_replaced(ray_told, tmp_path):
    ray = ray_told(None)
    (ray.folder / "token").write_text("n" * 64)
    with Supervisor(Settings(home=tmp_path), ray) as kept:
        until(lambda: kept.restarts == 1)
        assert kept.cluster._http.headers["Authorization"] == f"Bearer {'n' * 64}"


def test_pauses_double_up_to_a_minute():
    assert [pause(failures) for failures in range(9)] == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert pause(10**6) == LONGEST_PAUSE
