"""A driver that was lost is replaced; which losses count against a search."""

from __future__ import annotations

import pytest

from api.decisions import LOST_SECONDS
from nas.results.status import SearchStatus, TrialStatus
from tests.api.told_cluster import ToldCluster
from tests.builders import measured
from workers.cluster.jobs import JobState, job_id


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


def test_drivers_that_die_in_a_row_without_progress_fail_the_search(
    reconciler, store, cluster, next_driver, search, add_trial
):
    for attempt in (1, 2, 3):
        job = next_driver()
        if attempt == 1:
            add_trial()
        cluster.fail(job)
        reconciler.run_once()
        assert store.get_search(search.id).status is (SearchStatus.FAILED if attempt == 3 else SearchStatus.QUEUED)
    failed = store.get_search(search.id)
    assert failed.message.startswith("driver 3 died (exit code 1); 3 drivers in a row made no progress; the last lines")
    assert "MemoryError: no more" in failed.message
    assert store.get_trial(search.id, 0).status is TrialStatus.STOPPED


def test_progress_forgives_any_number_of_deaths(reconciler, store, cluster, next_driver, search, add_trial):
    for number in range(10):
        for dies_at_once in (True, False):
            job = next_driver()
            if not dies_at_once:
                add_trial(number)
                store.record_measurement(search.id, number, 1, measured(100, 0.5))
            cluster.fail(job)
            reconciler.run_once()
            found = store.get_search(search.id)
            assert (found.status, found.setbacks) == (SearchStatus.QUEUED, 1 if dies_at_once else 0)
            assert found.hold_seconds <= 4


@pytest.mark.parametrize("how", ["stopped", "database", "ray", "interrupted", "node", "cluster"])
def test_what_is_no_fault_of_the_search_never_fails_it(reconciler, store, cluster, clock, next_driver, search, how):
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
