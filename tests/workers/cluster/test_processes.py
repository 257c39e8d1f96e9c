"""Telling one cluster's processes from all others; no Ray is started here."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from workers.cluster import processes

pytestmark = pytest.mark.slow

SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)
# Ray's workers set their title over their environment.
TITLED = f"import ray._raylet as r; r.setproctitle('ray::IDLE' + ' ' * 4000); print('ready', flush=True); {SLEEP}"


@pytest.fixture
def started():
    children: list[subprocess.Popen[str]] = []

    def start(
        code: str, marker: str | None, ready: bool = False, start_new_session: bool = False
    ) -> subprocess.Popen[str]:
        env = {**os.environ, **({processes.MARKER: marker} if marker else {})}
        child = subprocess.Popen(
            [sys.executable, "-c", code],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=start_new_session,
        )
        children.append(child)
        if ready:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def pids(marker: str) -> set[int]:
    return {process.pid for process in processes.find(marker)}


def test_ends_its_own_and_no_other(started):
    ours = started(SLEEP, "one", start_new_session=True)
    stubborn = started(STUBBORN, "one", ready=True, start_new_session=True)
    other = started(SLEEP, "two", start_new_session=True)
    stranger = started(SLEEP, None)
    assert pids("one") == {ours.pid, stubborn.pid}
    before = time.monotonic()
    processes.end("one", grace=0.5)
    assert time.monotonic() - before < 10
    assert pids("one") == set()
    assert ours.poll() is not None
    assert stubborn.poll() is not None
    assert other.poll() is None
    assert stranger.poll() is None
    assert pids("two") == {other.pid}


def test_finds_processes_that_overwrote_their_environment(started):
    leader = started(
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {TITLED!r}]); {SLEEP}",
        "one",
        ready=True,
        start_new_session=True,
    )
    assert len(pids("one")) == 2
    processes.end("one", grace=1.0)
    assert pids("one") == set()
    leader.wait(5)


def test_nothing_to_end():
    processes.end("nobody", grace=0.1)


def test_clusters_are_found_by_what_their_processes_were_given(started):
    with_home = {"SEGNAS_TEST_HOME": "/a/home"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in with_home.items():
            patch.setenv(name, value)
        started(SLEEP, "one", start_new_session=True)
        started(SLEEP, None)
    started(SLEEP, "two", start_new_session=True)
    assert processes.markers("SEGNAS_TEST_HOME", "/a/home") == {"one"}
    assert processes.markers("SEGNAS_TEST_HOME", "/another") == set()
