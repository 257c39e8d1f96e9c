"""Setbacks of differentiable runs: counted over all drivers of a search, and forgiven when a user asks for it."""

from __future__ import annotations

import pytest

from nas.results.status import SearchStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec
from nas.store import ConflictError, NotFoundError, RunRecord, SearchClosedError, StaleAttemptError, Store
from tests.builders import scenes_fidelity

S = SearchStatus
BILEVEL = BilevelSpec(dataset="scenes", crop=(129, 129))


@pytest.fixture(params=[None, scenes_fidelity()], ids=["alone", "scored"])
def runs(request, store: Store) -> str:
    """The id of a running search of two runs, without trials at its end and with some."""
    spec = AutoDeepLabSpec(name="trellis", bilevel=BILEVEL, seeds=2, scoring=request.param)
    search = store.create_search(spec)[0].id
    store.driver_started(search, store.begin_driver(search))
    return search


def replace_driver(store: Store, search: str) -> int:
    assert store.requeue_search(search, store.get_search(search).attempt, 0.0, "lost")
    return store.begin_driver(search)


def test_deaths_are_a_total_so_that_a_repeated_write_counts_once(store: Store, runs: str):
    assert store.runs(runs) == {}
    for _ in range(2):
        store.record_deaths(runs, 1, 1, 1)
    attempt = replace_driver(store, runs)
    assert store.runs(runs) == {1: RunRecord(1, 1, None)}
    store.record_deaths(runs, attempt, 1, 2)
    store.fail_run(runs, attempt, 1, "its process died\x00 3 times")
    store.fail_run(runs, attempt, 0, "the loss is NaN at step 3")
    assert store.runs(runs) == {
        0: RunRecord(0, 0, "the loss is NaN at step 3"),
        1: RunRecord(1, 2, "its process died 3 times"),
    }
    assert store.overview(runs).failed_runs == 2


def test_only_the_present_driver_writes(store: Store, runs: str):
    replace_driver(store, runs)
    with pytest.raises(StaleAttemptError):
        store.record_deaths(runs, 1, 0, 1)
    with pytest.raises(NotFoundError):
        store.fail_run("s0", 1, 0, "no memory")
    store.move_search(runs, [S.STARTING], S.STOPPING)
    with pytest.raises(SearchClosedError):
        store.fail_run(runs, 2, 0, "no memory")
    assert store.runs(runs) == {}


def test_a_resumed_search_keeps_its_setbacks_unless_failed_runs_shall_be_tried_again(store: Store, runs: str):
    """The rule of trials: a run that goes on has the retries that are left, a failed one gets all of them anew."""
    store.record_deaths(runs, 1, 0, 1)
    store.record_deaths(runs, 1, 1, 1)
    store.fail_run(runs, 1, 1, "its process died twice")
    with pytest.raises(ConflictError, match="pause it first"):
        store.resume_search(runs, retry_failed=True)
    store.finish_search(runs, 1, S.STOPPED)
    store.resume_search(runs)
    assert store.runs(runs).keys() == {0, 1}
    store.resume_search(runs, retry_failed=True)  # still queued: nothing has begun
    assert store.runs(runs) == {0: RunRecord(0, 1, None)}


def test_a_search_whose_runs_have_all_failed_says_how_to_go_on(store: Store, runs: str):
    for run in (0, 1):
        store.fail_run(runs, 1, run, "no memory")
    store.finish_search(runs, 1, S.FAILED)
    with pytest.raises(ConflictError, match=r"all runs .* have failed; resume it with retry_failed"):
        store.resume_search(runs)
    assert store.resume_search(runs, retry_failed=True).status is S.QUEUED
    assert store.runs(runs) == {}


def test_a_failed_search_with_a_run_left_is_resumed(store: Store, runs: str):
    """Also one without a trial in its plan: that none of its trials is left means nothing there."""
    store.fail_run(runs, 1, 0, "no memory")
    store.finish_search(runs, 1, S.FAILED, "the data set is gone")
    assert store.resume_search(runs).status is S.QUEUED


def test_a_completed_search_may_try_its_failed_run_again(store: Store, runs: str):
    store.fail_run(runs, 1, 0, "no memory")
    store.finish_search(runs, 1, S.COMPLETED)
    with pytest.raises(ConflictError, match=r"nothing is left .* would try its 1 failed run again"):
        store.resume_search(runs)
    assert store.resume_search(runs, retry_failed=True).status is S.QUEUED


def test_runs_are_deleted_with_their_search(store: Store, runs: str):
    store.record_deaths(runs, 1, 0, 1)
    store.finish_search(runs, 1, S.STOPPED)
    store.delete_search(runs)
    assert store.runs(runs) == {}
