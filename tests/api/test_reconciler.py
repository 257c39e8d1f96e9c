"""The reconciler: its loop on a real store with a cluster that behaves as told.

Ray is not what is tested here; tests/api/test_process.py runs the same loop against a real one.
"""

from __future__ import annotations

import time

import pytest

from api.decisions import LOST_SECONDS
from api.driver_logs import DriverLogs
from api.reconciler import AWAY_SECONDS, LEAVING_SECONDS, Reconciler
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec
from nas.store import Store
from tests.api.told_cluster import ToldCluster, Watch
from tests.builders import measured
from workers.cluster.jobs import JobState, job_id


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        store.migrate()
        yield store


@pytest.fixture
def search(store, service):
    return store.create_search(BlackBoxSpec.model_validate(service.spec))[0]


@pytest.fixture
def cluster():
    return ToldCluster()


@pytest.fixture
def clock():
    return Watch()


@pytest.fixture
def make(store, cluster, clock, tmp_path):
    """Make a reconciler, of a service of its own."""
    return lambda: Reconciler(
        store, cluster, seconds=0.01, max_attempts=3, logs=DriverLogs(tmp_path / "logs", cluster, clock), clock=clock
    )


@pytest.fixture
def reconciler(make):
    return make()


@pytest.fixture
def next_driver(reconciler, store, clock, search):
    """Wait until the search has its next driver, which starts; its job."""

    def start() -> str:
        before = store.get_search(search.id)
        if before.status is SearchStatus.QUEUED:
            reconciler.run_once()
            clock.now += (before.hold_seconds or 0.0) + 0.1
            reconciler.run_once()
        found = store.get_search(search.id)
        store.driver_started(search.id, found.attempt)
        return job_id(search.id, found.attempt)

    return start


def test_a_queued_search_gets_one_driver(reconciler, store, cluster, search):
    assert reconciler.run_once() is True
    assert cluster.submitted == [job_id(search.id, 1)]
    assert store.get_search(search.id).status is SearchStatus.STARTING
    store.driver_started(search.id, 1)
    assert reconciler.run_once() is False
    assert len(cluster.submitted) == 1


def test_a_dead_driver_is_replaced_after_a_pause(reconciler, store, cluster, clock, search):
    reconciler.run_once()
    store.driver_started(search.id, 1)
    cluster.jobs[job_id(search.id, 1)] = JobState.failed
    reconciler.run_once()
    waiting = store.get_search(search.id)
    assert (waiting.status, waiting.hold_seconds, waiting.setbacks) == (SearchStatus.QUEUED, 2.0, 1)
    assert waiting.message == "driver 1 died (exit code 1)"
    reconciler.run_once()
    assert len(cluster.submitted) == 1
    clock.now += 2.1
    reconciler.run_once()
    assert cluster.submitted[1:] == [job_id(search.id, 2)]


@pytest.mark.parametrize(
    ("job", "why"), [("succeeded", "ended without finishing"), ("stopped", "stopped from outside")]
)
def test_a_job_that_is_over_beside_an_open_search_is_a_lost_driver(reconciler, cluster, search, job, why):
    reconciler.run_once()
    cluster.jobs[job_id(search.id, 1)] = JobState(job)
    reconciler.run_once()
    found = reconciler._store.get_search(search.id)
    assert found.status is SearchStatus.QUEUED
    assert why in found.message


def test_a_driver_that_finishes_while_its_job_ends_is_not_replaced(reconciler, store, cluster, search):
    reconciler.run_once()
    store.driver_started(search.id, 1)

    class Finishing(ToldCluster):
        def state(self, job: str, /) -> JobState:
            store.finish_search(search.id, 1, SearchStatus.COMPLETED)
            return JobState.succeeded

    reconciler._cluster = Finishing()
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.COMPLETED


def test_drivers_that_die_in_a_row_without_progress_fail_the_search(reconciler, store, cluster, next_driver, search):
    for attempt in (1, 2, 3):
        job = next_driver()
        if attempt == 1:
            service_trial(store, search.id)
        cluster.fail(job)
        reconciler.run_once()
        assert store.get_search(search.id).status is (SearchStatus.FAILED if attempt == 3 else SearchStatus.QUEUED)
    failed = store.get_search(search.id)
    assert failed.message.startswith("driver 3 died (exit code 1); 3 drivers in a row made no progress; the last lines")
    assert "MemoryError: no more" in failed.message
    assert store.get_trial(search.id, 0).status is TrialStatus.STOPPED


def test_progress_forgives_any_number_of_deaths(reconciler, store, cluster, next_driver, search):
    for number in range(10):
        for dies_at_once in (True, False):
            job = next_driver()
            if not dies_at_once:
                service_trial(store, search.id, number)
                store.record_measurement(search.id, number, 1, measured(100, 0.5))
            cluster.fail(job)
            reconciler.run_once()
            found = store.get_search(search.id)
            assert (found.status, found.setbacks) == (SearchStatus.QUEUED, 1 if dies_at_once else 0)
            assert found.hold_seconds <= 4


@pytest.mark.parametrize("how", ["stopped", "database", "ray", "interrupted", "node", "cluster"])
def test_what_is_no_fault_of_the_search_never_fails_it(  # noqa: PLR0917  fixtures
    reconciler, store, cluster, clock, next_driver, search, how
):
    cluster.fail(next_driver())  # one setback of its own, which stays
    reconciler.run_once()
    for _ in range(12):
        job = next_driver()
        if how == "stopped":
            cluster.jobs[job] = JobState.stopped
        elif how == "cluster":
            cluster.begin_anew()
            reconciler.run_once()
            clock.now += LOST_SECONDS
        else:
            cluster.fail(job, {"database": 74, "ray": 75, "interrupted": 143, "node": None}[how])
        reconciler.run_once()
        found = store.get_search(search.id)
        assert (found.status, found.setbacks) == (SearchStatus.QUEUED, 1)
    assert found.hold_seconds == 300  # repeated, but not in a tight loop
    cluster.fail(next_driver())
    reconciler.run_once()
    cluster.fail(next_driver())
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.FAILED


def service_trial(store, search_id, number=0):
    from search_spaces import PUBLISHED_CELL

    search = store.get_search(search_id)
    store.add_trial(search_id, search.attempt, Proposal(number, PUBLISHED_CELL, search.spec.fidelity, number))


def test_a_cluster_that_forgot_the_job_gets_some_patience(reconciler, store, cluster, clock, search):
    reconciler.run_once()
    store.driver_started(search.id, 1)
    cluster.jobs.clear()
    reconciler.run_once()
    clock.now += LOST_SECONDS / 2
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.RUNNING
    cluster.jobs[job_id(search.id, 1)] = JobState.running  # it was only slow to say so
    reconciler.run_once()
    cluster.jobs.clear()
    clock.now += LOST_SECONDS / 2 + 1
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.RUNNING
    clock.now += LOST_SECONDS
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.QUEUED


def test_a_cluster_that_does_not_answer_is_not_a_lost_driver(reconciler, store, cluster, clock, search):
    reconciler.run_once()
    store.driver_started(search.id, 1)
    cluster.there = False
    for _ in range(10):
        clock.now += 3600
        reconciler.run_once()
    away = store.get_search(search.id)
    assert (away.status, away.message) == (SearchStatus.RUNNING, "waiting for Ray, which does not answer")
    cluster.there = True
    reconciler.run_once()
    back = store.get_search(search.id)
    assert (back.attempt, back.message) == (1, None)


def test_what_a_search_waits_for_is_said_beside_what_else_there_is_to_say(reconciler, store, cluster, clock, search):
    reconciler.run_once()
    store.move_search(search.id, [SearchStatus.STARTING], SearchStatus.STOPPING, message="stopped on request")
    cluster.there = False
    reconciler.run_once()
    assert store.get_search(search.id).message == "stopped on request"  # a moment is not worth a word
    clock.now += AWAY_SECONDS
    for _ in range(2):
        reconciler.run_once()
        assert store.get_search(search.id).message == "stopped on request; waiting for Ray, which does not answer"
    cluster.there = True
    reconciler.run_once()
    assert store.get_search(search.id).message == "stopped on request"


def test_a_submission_that_failed_is_made_again_as_the_same_attempt(reconciler, store, cluster, clock, search):
    cluster.accepts = False
    reconciler.run_once()
    reconciler.run_once()
    assert len(cluster.submitted) == 1  # not at every pass
    clock.now += 2
    reconciler.run_once()
    assert cluster.submitted == [job_id(search.id, 1)] * 2
    cluster.accepts = True
    clock.now += 4
    reconciler.run_once()
    assert cluster.jobs == {job_id(search.id, 1): JobState.running}
    reconciler.run_once()
    assert len(cluster.submitted) == 3
    assert store.get_search(search.id).message is None


def test_a_new_search_waits_while_nobody_takes_its_driver_and_says_why(reconciler, store, cluster, clock, search):
    cluster.accepts = False
    for _ in range(60):
        clock.now += 300
        reconciler.run_once()
    found = store.get_search(search.id)
    assert (found.status, found.attempt, found.setbacks) == (SearchStatus.STARTING, 1, 0)
    assert found.message == "waiting for Ray to take driver 1 (the Ray cluster did not take the job: disk full)"
    cluster.accepts = True
    clock.now += 30
    reconciler.run_once()
    assert cluster.jobs == {job_id(search.id, 1): JobState.running}


def test_a_driver_lost_before_it_started_is_replaced_uncounted(reconciler, store, cluster, clock, search):
    """Its cluster took it, and began anew; the next service submits the same driver until it, too, was lost."""
    reconciler.run_once()
    for _ in range(2):
        cluster.begin_anew()
        reconciler.run_once()
    assert cluster.submitted == [job_id(search.id, 1)] * 3
    cluster.submit = lambda *_: "taken, and forgotten"
    for _ in range(5):
        cluster.begin_anew()
        reconciler.run_once()
        clock.now += LOST_SECONDS / 4
    found = store.get_search(search.id)
    assert (found.status, found.setbacks) == (SearchStatus.QUEUED, 0)
    assert found.message == "driver 1 was lost with its cluster"


def test_stopping_ends_the_job_first_and_keeps_what_was_measured(reconciler, store, cluster, clock, search):
    reconciler.run_once()
    store.driver_started(search.id, 1)
    service_trial(store, search.id)
    store.move_search(search.id, [SearchStatus.RUNNING], SearchStatus.STOPPING)
    for _ in range(3):
        assert reconciler.run_once() is True
    assert cluster.stopped == [job_id(search.id, 1)]  # asked once, not at every pass
    clock.now += 6
    reconciler.run_once()
    assert len(cluster.stopped) == 2
    assert store.get_search(search.id).status is SearchStatus.STOPPING
    cluster.jobs[job_id(search.id, 1)] = JobState.stopped
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.STOPPED
    assert store.get_trial(search.id, 0).status is TrialStatus.STOPPED


def test_pausing_ends_the_job_and_a_resumed_search_gets_its_next_driver(reconciler, store, cluster, search):
    reconciler.run_once()
    store.driver_started(search.id, 1)
    store.move_search(search.id, [SearchStatus.RUNNING], SearchStatus.PAUSING)
    assert reconciler.run_once() is True
    assert cluster.stopped == [job_id(search.id, 1)]
    cluster.jobs[job_id(search.id, 1)] = JobState.stopped
    reconciler.run_once()
    assert store.get_search(search.id).status is SearchStatus.PAUSED
    for _ in range(2):
        assert reconciler.run_once() is False
    assert cluster.submitted == [job_id(search.id, 1)]
    store.resume_search(search.id)
    reconciler.run_once()
    assert cluster.submitted == [job_id(search.id, attempt) for attempt in (1, 2)]
    assert store.get_search(search.id).status is SearchStatus.STARTING


def test_one_search_that_cannot_be_attended_to_does_not_hold_up_the_others(store, clock, service, tmp_path):
    first = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]
    second = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]

    class Broken(ToldCluster):
        def submit(self, search_id: str, attempt: int, name: str) -> str:
            if search_id == first.id:
                raise RuntimeError("a fault of ours")
            return super().submit(search_id, attempt, name)

    broken = Broken()
    logs = DriverLogs(tmp_path / "logs", broken, clock)
    Reconciler(store, broken, seconds=0.01, max_attempts=3, logs=logs, clock=clock).run_once()
    assert broken.submitted == [job_id(second.id, 1)]


def test_two_services_share_the_work_by_leases(make, store, cluster, service):
    both = [make(), make()]
    search = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]
    for reconciler in both:
        reconciler.run_once()
    assert cluster.submitted == [job_id(search.id, 1)]
    store.move_search(search.id, [SearchStatus.STARTING], SearchStatus.STOPPING)
    both[1].run_once()
    assert cluster.stopped == []  # the first one holds the lease
    both[0].stop()
    both[1].run_once()
    assert cluster.stopped == [job_id(search.id, 1)]


def test_the_thread_acts_when_woken_and_ends(store, cluster, service, tmp_path):
    logs = DriverLogs(tmp_path / "logs", cluster)
    reconciler = Reconciler(store, cluster, seconds=3600, max_attempts=3, logs=logs)
    reconciler.start()
    time.sleep(0.1)  # its first pass finds nothing
    search = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]
    reconciler.wake()
    deadline = time.monotonic() + 10
    while not cluster.submitted and time.monotonic() < deadline:
        time.sleep(0.01)
    assert cluster.submitted == [job_id(search.id, 1)]
    started = time.monotonic()
    reconciler.stop()
    assert time.monotonic() - started < 5
    assert store.leases()[search.id].owner is None
    assert logs.text(search.id, 1) == cluster.printed
    cluster.there = False  # as when its Ray ends with a service
    assert logs.text(search.id, 1) == cluster.printed


def test_the_log_of_a_driver_outlives_its_cluster(  # noqa: PLR0917  fixtures
    reconciler, store, cluster, tmp_path, next_driver, search
):
    """Of one that died, of one that ended its search; the last words come after the search's end."""
    cluster.fail(next_driver())
    reconciler.run_once()
    cluster.printed = "second driver\n"
    job = next_driver()
    reconciler.run_once()
    store.finish_search(search.id, 2, SearchStatus.COMPLETED)
    reconciler.run_once()  # the job still runs
    cluster.printed = "second driver\nits last words\n"
    cluster.jobs[job] = JobState.succeeded
    reconciler.run_once()
    cluster.begin_anew()
    cluster.there = False
    kept = DriverLogs(tmp_path / "logs", cluster)
    assert kept.text(search.id, 1) == "first line\nMemoryError: no more\n"
    assert kept.text(search.id, 2) == "second driver\nits last words\n"


def test_a_job_that_never_ends_after_its_search_is_forgotten(  # noqa: PLR0917  fixtures
    reconciler, store, cluster, clock, next_driver, search
):
    next_driver()
    reconciler.run_once()
    store.finish_search(search.id, 1, SearchStatus.COMPLETED)
    reconciler.run_once()
    clock.now += LEAVING_SECONDS + 1
    reconciler.run_once()
    asked: list[str] = []
    cluster.state = asked.append
    reconciler.run_once()
    assert asked == []


def test_posting_and_stopping_over_http_reach_the_cluster(serve, home, cluster):
    service = serve(home, cluster)
    search = service.http.post("/v1/searches", json=service.spec).json()["id"]
    wait_for(lambda: cluster.submitted == [job_id(search, 1)])
    shown = service.http.get(f"/v1/searches/{search}").json()
    assert (shown["status"], shown["attempt"]) == ("starting", 1)
    service.http.post(f"/v1/searches/{search}/stop")
    wait_for(lambda: cluster.stopped == [job_id(search, 1)])
    cluster.jobs[job_id(search, 1)] = JobState.stopped
    wait_for(lambda: service.http.get(f"/v1/searches/{search}").json()["status"] == "stopped")
    assert service.http.get(f"/v1/searches/{search}/logs?tail=1").text == "MemoryError: no more\n"
    assert service.http.get("/readyz").status_code == 200
    cluster.there = False
    assert service.http.get("/readyz").json()["parts"]["ray"]["ok"] is False
    assert service.http.get(f"/v1/searches/{search}/logs?tail=1").text == "MemoryError: no more\n"
    other = service.http.post("/v1/searches", json=service.spec).json()["id"]
    service.store.begin_driver(other)
    assert service.http.get(f"/v1/searches/{other}/logs").status_code == 503


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
