"""Leases: taken from a service whose beat has stopped, whatever the time of day; a killed service's within 10 s."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.driver_logs import DriverLogs
from api.leases import BEAT_SECONDS, SILENT_SECONDS, LeaseKeeper
from api.reconciler import Reconciler
from nas.results.status import SearchStatus
from nas.specs import BlackBoxSpec, Fidelity
from nas.store import Store
from tests.api.told_cluster import ToldCluster, Watch
from workers.cluster.jobs import job_id

SPEC = BlackBoxSpec(name="a search", fidelity=Fidelity(dataset="scenes"))


class TimeOfDay:
    """The clock on the wall of a store, which somebody sets."""

    def __init__(self) -> None:
        self.now = 1.8e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall():
    return TimeOfDay()


@pytest.fixture
def store(tmp_path, wall):
    with Store.open(f"sqlite:///{tmp_path}/store.db", wall) as store:
        store.migrate()
        yield store


@pytest.fixture
def clock():
    return Watch()


@pytest.fixture
def search(store):
    return store.create_search(SPEC)[0].id


def test_a_free_search_is_taken_and_stays_with_who_beats(store, clock, search):
    first, second = (LeaseKeeper(store, owner, clock) for owner in ("first", "second"))
    assert first.tend() == {search}
    for _ in range(100):
        clock.now += BEAT_SECONDS
        assert first.tend() == {search}
        assert second.tend() == set()


def test_a_silent_lease_is_taken_after_its_time_and_not_before(store, clock, search):
    first, second = (LeaseKeeper(store, owner, clock) for owner in ("first", "second"))
    first.tend()
    second.tend()
    for _ in range(5):
        clock.now += SILENT_SECONDS / 6
        assert second.tend() == set()
    clock.now += SILENT_SECONDS / 6 - 0.1
    assert second.tend() == set()
    clock.now += 0.2
    assert second.tend() == {search}
    assert first.tend() == set()


def test_a_long_sleep_of_the_machine_takes_nothing(store, clock, search):
    """Nobody could beat meanwhile, and the one who looks first must not think the other dead."""
    first, second = (LeaseKeeper(store, owner, clock) for owner in ("first", "second"))
    first.tend()
    second.tend()
    for _ in range(10):
        clock.now += 8 * 3600
        assert second.tend() == set()
        assert first.tend() == {search}


def test_a_released_lease_is_free_at_once(store, clock, search):
    first, second = (LeaseKeeper(store, owner, clock) for owner in ("first", "second"))
    first.tend()
    assert second.tend() == set()
    first.release()
    assert second.tend() == {search}


def test_a_search_that_is_over_needs_nobody(store, clock, search):
    keeper = LeaseKeeper(store, "me", clock)
    keeper.tend()
    store.move_search(search, [SearchStatus.QUEUED], SearchStatus.STOPPED)
    assert keeper.tend() == set()


@pytest.mark.parametrize("step", [-86400.0, -3600.0, 3600.0, 86400.0])
def test_a_step_of_the_clock_neither_steals_nor_freezes(store, clock, wall, tmp_path, step):
    """The time of day jumps while one service leads a search through a driver's death, and another one watches."""
    cluster = ToldCluster()

    def reconciler() -> Reconciler:
        logs = DriverLogs(tmp_path / "logs", cluster, clock)
        return Reconciler(store, cluster, seconds=1, max_attempts=3, logs=logs, clock=clock)

    first, second = reconciler(), reconciler()
    search = store.create_search(SPEC)[0]
    first.run_once()
    owner = store.leases()[search.id].owner
    wall.now += step
    for _ in range(5):
        clock.now += 1
        second.run_once()
        first.run_once()
    assert store.leases()[search.id].owner == owner
    store.driver_started(search.id, 1)
    cluster.fail(job_id(search.id, 1))
    first.run_once()
    assert store.get_search(search.id).status is SearchStatus.QUEUED
    first.run_once()  # sees it in the queue
    wall.now += step
    clock.now += 1.9
    first.run_once()
    assert store.get_search(search.id).status is SearchStatus.QUEUED  # held for 2 s
    clock.now += 0.2
    first.run_once()
    assert store.get_search(search.id).attempt == 2
    store.move_search(search.id, [SearchStatus.STARTING], SearchStatus.STOPPING)
    wall.now += step
    first.run_once()
    assert cluster.stopped == [job_id(search.id, 2)]
    for _ in range(4):  # the first one dies; the second one takes over the stop
        wall.now += step
        clock.now += SILENT_SECONDS / 3
        second.run_once()
    assert store.leases()[search.id].owner != owner
    assert cluster.stopped == [job_id(search.id, 2)] * 2


KILLED = """
import sys, time
from pathlib import Path
from api.driver_logs import DriverLogs
from api.reconciler import Reconciler
from nas.store import Store
from tests.api.told_cluster import ToldCluster

store, cluster = Store.open(sys.argv[1]), ToldCluster()
logs = DriverLogs(Path(sys.argv[2]), cluster)
Reconciler(store, cluster, seconds=float(sys.argv[3]), max_attempts=3, logs=logs).start()
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [2.0, 60.0])
def test_a_killed_service_loses_a_requested_stop_to_another_one_within_ten_seconds(tmp_path, seconds):
    url = f"sqlite:///{tmp_path}/store.db"
    with Store.open(url) as store:
        store.migrate()
        search = store.create_search(SPEC)[0].id
        command = [sys.executable, "-c", KILLED, url, str(tmp_path / "logs"), str(seconds)]
        root = Path(__file__).parents[2]
        with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(root)}) as other:
            try:
                until(lambda: store.get_search(search).status is SearchStatus.STARTING)
                survivor = Reconciler(
                    store, told := ToldCluster(), seconds=seconds, max_attempts=3, logs=DriverLogs(tmp_path, told)
                )
                survivor.start()
                time.sleep(3.0)
                assert told.submitted == []  # the other one beats
                store.move_search(search, [SearchStatus.STARTING], SearchStatus.STOPPING)
            finally:
                other.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        until(lambda: store.get_search(search).status is SearchStatus.STOPPED)
        assert time.monotonic() - killed < 10.0
        survivor.stop()


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
