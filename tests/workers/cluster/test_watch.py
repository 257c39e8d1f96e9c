"""Noticing that a cluster is dead or mute. Its processes are stand-ins with the right names; no Ray is started here."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workers.cluster import processes, watch
from workers.cluster.watch import Watch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="waits for processes by /proc"),
]

PROBLEM = {"gcs": "Ray's control store does not answer: timed out"}


class Hand:
    """A clock that is set by hand, and what the parts of the cluster say."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.problems: dict[str, str] = {}
        self.asked = 0

    def clock(self) -> float:
        return self.now

    def ask(self) -> dict[str, str]:
        self.asked += 1
        return self.problems


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def members(tmp_path):
    """Processes named like those of a Ray cluster, with a marker of their own."""
    marker = secrets.token_hex(8)
    env = {**os.environ, processes.MARKER: marker}
    sleep = shutil.which("sleep")
    assert sleep is not None
    script = tmp_path / "ray" / "dashboard" / "dashboard.py"
    script.parent.mkdir(parents=True)
    script.write_text("import time; time.sleep(600)")
    commands = {"dashboard": [sys.executable, script]}
    for name in ("gcs_server", "raylet", "ray-dashboard-JobHead-0"):
        (tmp_path / name).symlink_to(sleep)
        commands[name] = [tmp_path / name, "600"]
    started = {name: subprocess.Popen(command, env=env, start_new_session=True) for name, command in commands.items()}
    yield marker, started
    for child in started.values():
        child.kill()
        child.wait()


@pytest.fixture
def look(members, hand):
    return Watch(members[0], hand.ask, hand.clock).look


def test_a_socket_that_was_removed_is_noticed(members, hand, tmp_path):
    """As by whoever empties /tmp: every process lives, and no new one finds them."""
    socket = tmp_path / "sockets" / "raylet"
    assert Watch(members[0], hand.ask, hand.clock, socket).look() is None, "another Ray may put it elsewhere"
    socket.parent.mkdir()
    socket.touch()
    look = Watch(members[0], hand.ask, hand.clock, socket).look
    assert look() is None
    shutil.rmtree(socket.parent)
    assert look() == f"its file {socket} was removed"


@pytest.mark.parametrize("name", watch.NEEDED)
def test_a_process_that_died_is_noticed_at_the_next_look(name, members, look):
    assert look() is None
    victim = members[1][name]
    victim.kill()
    wait_for(victim.pid, "Z")  # a zombie, since its parent has not asked for it: dead all the same
    assert look() == f"its {name} is dead"
    victim.wait()
    assert look() == f"its {name} is dead"


def test_a_cluster_of_which_nothing_is_left_is_dead(hand):
    assert Watch("nobody", hand.ask, hand.clock).look() == "its gcs_server is dead"


def test_a_process_that_was_replaced_is_found(members, look, hand):
    """The dashboard starts its own helpers again."""
    assert look() is None
    members[1]["ray-dashboard-JobHead-0"].kill()
    members[1]["ray-dashboard-JobHead-0"].wait()
    assert look() is None


@pytest.mark.parametrize("name", ["gcs_server", "raylet", "dashboard", "ray-dashboard-JobHead-0"])
def test_a_process_that_stays_stopped_is_noticed_within_seconds(name, members, look, hand):
    assert look() is None
    victim = members[1][name]
    victim.send_signal(signal.SIGSTOP)
    wait_for(victim.pid, "T")
    assert look() is None, "somebody may look at it with a debugger for a moment"
    hand.now += watch.STOPPED_SECONDS
    assert f"process {victim.pid}" in look()
    assert "is stopped" in look()
    victim.send_signal(signal.SIGCONT)
    wait_for(victim.pid, "S")
    assert look() is None
    victim.send_signal(signal.SIGSTOP)
    wait_for(victim.pid, "T")
    assert look() is None, "the time before it went on does not count"


def test_silence_is_borne_for_a_while(look, hand):
    hand.problems = PROBLEM
    began = hand.now
    while (reason := look()) is None:
        hand.now += 1.0
        assert hand.now < began + 2 * watch.MUTE_SECONDS
    assert hand.now - began >= watch.MUTE_SECONDS
    assert reason.endswith(PROBLEM["gcs"])


def test_one_answer_ends_the_silence(look, hand):
    hand.problems = PROBLEM
    for _ in range(int(watch.MUTE_SECONDS) - 1):
        assert look() is None
        hand.now += 1.0
    hand.problems = {}
    hand.now += watch.ASK_SECONDS
    assert look() is None
    hand.problems = PROBLEM
    hand.now += watch.ASK_SECONDS
    assert look() is None


def test_time_that_nobody_asked_in_is_no_silence(look, hand):
    """A machine that was suspended or overloaded."""
    hand.problems = PROBLEM
    assert look() is None
    hand.now += 3600
    assert look() is None


def test_the_parts_are_not_asked_at_every_look(look, hand):
    for _ in range(11):
        look()
        hand.now += 1.0
    assert hand.asked == 3


def wait_for(pid: int, state: str) -> None:
    """Until a process is in a state, as /proc spells it."""
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != state:
        assert time.monotonic() < deadline
        time.sleep(0.01)
