"""Searches that stop, pause or end, and the logs of their drivers."""

from __future__ import annotations

from api.driver_logs import DriverLogs
from api.reconciler import LEAVING_SECONDS
from nas.results.status import SearchStatus, TrialStatus
from workers.cluster.jobs import JobState, job_id


def test_stopping_ends_the_job_first_and_keeps_what_was_measured(reconciler, store, cluster, clock, search, add_trial):
    reconciler.run_once()
    store.driver_started(search.id, 1)
    add_trial()
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


def test_the_log_of_a_driver_outlives_its_cluster(reconciler, store, cluster, tmp_path, next_driver, search):
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


def test_a_job_that_never_ends_after_its_search_is_forgotten(reconciler, store, cluster, clock, next_driver, search):
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
