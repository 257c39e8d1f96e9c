"""The reconciler: its decisions by table, its loop on a real store with a cluster that behaves as told.

Ray is not what is tested here; tests/api/test_process.py runs the same loop against a real one.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest

from api.reconciler import LOST_SECONDS, Action, Reconciler, back_off, decide
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec
from nas.store import Store
from workers.cluster.jobs import ClusterUnreachable, JobState, job_id

GOING, OVER = ("pending", "running"), ("succeeded", "failed", "stopped")


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        store.migrate()
        yield store


@pytest.fixture
def search(store, service):
    return store.create_search(BlackBoxSpec.model_validate(service.spec))[0]


class ToldCluster:
    """A cluster whose jobs are in the state that a test puts them in."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobState] = {}
        self.submitted: list[str] = []
        self.stopped: list[str] = []
        self.there = True
        self.accepts = True

    def submit(self, search_id: str, attempt: int, name: str) -> str:
        self._answer()
        job = job_id(search_id, attempt)
        self.submitted.append(job)
        if not self.accepts:
            raise ClusterUnreachable("the Ray cluster did not take the job: disk full")
        self.jobs.setdefault(job, JobState.running)
        return job

    def state(self, job: str, /) -> JobState:
        self._answer()
        return self.jobs.get(job, JobState.lost)

    def stop(self, job: str, /) -> None:
        self._answer()
        self.stopped.append(job)

    def logs(self, job: str, /) -> str:
        self._answer()
        return "first line\nMemoryError: no more\n"

    def reachable(self) -> bool:
        return self.there

    def _answer(self) -> None:
        if not self.there:
            raise ClusterUnreachable("no answer")


class Watch:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cluster():
    return ToldCluster()


@pytest.fixture
def clock():
    return Watch()


@pytest.fixture
def reconciler(store, cluster, clock):
    return Reconciler(store, cluster, seconds=0.01, max_attempts=3, clock=clock)


def expected(status: str, job: str | None, lost_for: float, attempt: int) -> Action:
    """The table, written by cases."""
    if status in ("stopping", "pausing"):
        return Action.STOP_JOB if job in GOING else Action.MARK_STOPPED
    if job in GOING:
        return Action.WAIT
    if job == "lost" and lost_for < LOST_SECONDS:
        return Action.SUBMIT if status == "starting" else Action.WAIT
    return Action.REPLACE if attempt < 3 else Action.FAIL


@pytest.mark.slow
@pytest.mark.parametrize("status", ["starting", "running", "stopping", "pausing"])
@pytest.mark.parametrize("job", [*GOING, *OVER, "lost"])
def test_decisions_about_a_search_with_a_driver(search, status, job):
    for lost_for, attempt in itertools.product((0.0, LOST_SECONDS), (1, 2, 3)):
        found = replace(search, status=SearchStatus(status), attempt=attempt)
        action = decide(found, JobState(job), now=0.0, lost_for=lost_for, max_attempts=3)
        assert action is expected(status, job, lost_for, attempt), (lost_for, attempt)


def test_decisions_about_a_queued_search(search):
    def ask(not_before: float | None) -> Action:
        return decide(replace(search, not_before=not_before), None, now=100.0, lost_for=0.0, max_attempts=3)

    assert ask(None) is ask(99.0) is ask(100.0) is Action.BEGIN
    assert ask(100.1) is Action.WAIT


@pytest.mark.parametrize("status", ["completed", "failed", "stopped"])
def test_a_search_that_is_over_is_left_alone(search, status):
    for job in (*GOING, *OVER, "lost"):
        found = replace(search, status=SearchStatus(status), attempt=1)
        assert decide(found, JobState(job), now=0.0, lost_for=99.0, max_attempts=3) is Action.WAIT


def test_back_off_doubles_up_to_five_minutes():
    assert [back_off(attempt) for attempt in (1, 2, 3, 4, 8, 9, 100)] == [2, 4, 8, 16, 256, 300, 300]


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
    assert (waiting.status, waiting.not_before) == (SearchStatus.QUEUED, clock.now + 2)
    assert waiting.message == "driver 1 died"
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


def test_after_the_last_driver_the_search_fails_with_its_last_words(reconciler, store, cluster, clock, search):
    store.begin_driver(search.id)
    service_trial(store, search.id)
    store.requeue_search(search.id, 1, clock.now, "lost")
    for attempt in (2, 3):
        clock.now += 300
        reconciler.run_once()
        cluster.jobs[job_id(search.id, attempt)] = JobState.failed
        reconciler.run_once()
    failed = store.get_search(search.id)
    assert failed.status is SearchStatus.FAILED
    assert "3 drivers were tried" in failed.message
    assert "MemoryError: no more" in failed.message
    assert store.get_trial(search.id, 0).status is TrialStatus.STOPPED


def service_trial(store, search_id):
    from search_spaces import PUBLISHED_CELL

    store.add_trial(search_id, 1, Proposal(0, PUBLISHED_CELL, store.get_search(search_id).spec.fidelity, 0))


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
    assert store.get_search(search.id).status is SearchStatus.RUNNING
    cluster.there = True
    reconciler.run_once()
    assert store.get_search(search.id).attempt == 1


def test_a_submission_that_failed_is_made_again_as_the_same_attempt(reconciler, store, cluster, clock, search):
    cluster.accepts = False
    reconciler.run_once()
    reconciler.run_once()
    assert cluster.submitted == [job_id(search.id, 1)] * 2
    cluster.accepts = True
    reconciler.run_once()
    assert cluster.jobs == {job_id(search.id, 1): JobState.running}
    reconciler.run_once()
    assert len(cluster.submitted) == 3


def test_a_submission_that_fails_on_and_on_says_why(reconciler, store, cluster, clock, search):
    cluster.accepts = False
    for _ in range(100):
        clock.now += 30
        reconciler.run_once()
    failed = store.get_search(search.id)
    assert failed.status is SearchStatus.FAILED
    assert "driver 3 could not be submitted (the Ray cluster did not take the job: disk full)" in failed.message


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


def test_one_search_that_cannot_be_attended_to_does_not_hold_up_the_others(store, cluster, clock, service):
    first = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]
    second = store.create_search(BlackBoxSpec.model_validate(service.spec))[0]

    class Broken(ToldCluster):
        def submit(self, search_id: str, attempt: int, name: str) -> str:
            if search_id == first.id:
                raise RuntimeError("a fault of ours")
            return super().submit(search_id, attempt, name)

    broken = Broken()
    reconciler = Reconciler(store, broken, seconds=0.01, max_attempts=3, clock=clock)
    reconciler.run_once()
    assert broken.submitted == [job_id(second.id, 1)]


def test_two_services_share_the_work_by_leases(store, cluster, clock, service):
    both = [Reconciler(store, cluster, seconds=0.01, max_attempts=3, clock=clock) for _ in range(2)]
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


def test_the_thread_acts_when_woken_and_ends(store, cluster, service):
    reconciler = Reconciler(store, cluster, seconds=3600, max_attempts=3)
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
    assert store.acquire_lease(search.id, "another", 1.0)


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
    assert service.http.get(f"/v1/searches/{search}/logs").status_code == 503


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
