"""A cluster that forgets, does not answer, or does not take a driver."""

from __future__ import annotations

from api.decisions import LOST_SECONDS
from api.reconciler import AWAY_SECONDS
from nas.results.status import SearchStatus
from workers.cluster.jobs import JobState, job_id


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
    assert (away.status, away.message) == (SearchStatus.RUNNING, "waiting for Ray: no answer")
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
        assert store.get_search(search.id).message == "stopped on request; waiting for Ray: no answer"
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


def test_what_keeps_ray_from_being_used_is_told_as_it_changes(reconciler, store, cluster, clock, search):
    cluster.there, cluster.why = False, "no answer from the Ray cluster at http://ray:8265: connection refused"
    reconciler.run_once()
    clock.now += AWAY_SECONDS
    reconciler.run_once()
    assert store.get_search(search.id).message == f"waiting for Ray: {cluster.why}"
    cluster.why = "the Ray cluster at http://ray:8265 refuses the token"
    reconciler.run_once()
    assert store.get_search(search.id).message == f"waiting for Ray: {cluster.why}"
