"""Drivers: one attempt at a time; a replaced one is refused and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nas.results.status import SearchStatus, TrialStatus
from nas.store import ConflictError, FollowUp, SearchClosedError, Stage, StaleAttemptError, Store

S = SearchStatus


def test_a_driver_takes_a_search_from_queued_to_its_end(store: Store, spec):
    search, _ = store.create_search(spec)
    assert store.begin_driver(search.id) == 1
    starting = store.get_search(search.id)
    assert (starting.status, starting.attempt, starting.started_at) == (S.STARTING, 1, None)
    store.driver_started(search.id, 1, {"torch": "2.13.0"})
    running = store.get_search(search.id)
    assert (running.status, running.started_at) == (S.RUNNING, running.updated_at)
    assert (starting.software, running.software) == (None, {"torch": "2.13.0"})
    store.set_stage(search.id, 1, Stage("features", 3, 10))
    assert store.get_search(search.id).stage == Stage("features", 3, 10)
    store.finish_search(search.id, 1, S.COMPLETED, "all trials are done")
    over = store.get_search(search.id)
    assert (over.status, over.message, over.finished_at) == (S.COMPLETED, "all trials are done", over.updated_at)


def test_only_a_queued_search_begins_a_driver(store: Store, spec):
    search, _ = store.create_search(spec)
    store.begin_driver(search.id)
    with pytest.raises(ConflictError, match="starting, not queued"):
        store.begin_driver(search.id)
    assert store.get_search(search.id).attempt == 1


def test_events_delivered_twice_are_no_error(store: Store, driven: str):
    before = store.get_search(driven)
    store.driver_started(driven, 1)
    again = store.get_search(driven)
    assert (again.status, again.started_at) == (S.RUNNING, before.started_at)
    store.finish_search(driven, 1, S.COMPLETED)
    over = store.get_search(driven)
    store.finish_search(driven, 1, S.COMPLETED)
    assert store.get_search(driven) == over


def test_what_follows_a_completed_search_is_queued_with_its_end_and_once(store: Store, driven: str, spec):
    child = FollowUp(spec.model_copy(update={"name": "next"}), "after", {"device_seconds": 5.0})
    for _ in range(2):  # the answer to the first may be lost
        store.finish_search(driven, 1, S.COMPLETED, follow_up=child)
    (found,) = store.children(driven)
    assert (found.status, found.name, found.idempotency_key) == (S.QUEUED, "next", "after")
    assert found.forecast == {"device_seconds": 5.0}
    assert store.overview(driven).children == {"black_box": found.id}
    assert store.overview(found.id).children == {}
    store.extend_search(driven, spec, spec.model_copy(update={"trials": spec.trials + 1}))
    store.driver_started(driven, store.begin_driver(driven))
    store.finish_search(driven, 2, S.COMPLETED, follow_up=child)
    assert store.children(driven) == [found], "the same result again"


def test_what_follows_a_search_has_its_owner(store: Store, spec):
    search_id = store.create_search(spec, owner="alice")[0].id
    store.driver_started(search_id, store.begin_driver(search_id))
    store.finish_search(search_id, 1, S.COMPLETED, follow_up=FollowUp(spec, "after"))
    (found,) = store.children(search_id)
    assert found.owner == "alice"


@pytest.mark.parametrize("asked", [S.STOPPING, S.PAUSING])
def test_nothing_follows_a_search_that_a_user_was_stopping(store: Store, driven: str, spec, asked):
    store.move_search(driven, [S.RUNNING], asked)
    store.finish_search(driven, 1, S.COMPLETED, follow_up=FollowUp(spec, "after"))
    assert (store.get_search(driven).status, store.children(driven)) == (S.COMPLETED, [])


def test_a_lost_driver_is_replaced(store: Store, driven: str, clock):
    store.set_stage(driven, 1, Stage("trials", 3, 10))
    started = store.get_search(driven).started_at
    assert store.requeue_search(driven, 1, 5.0, "the driver was lost", setbacks=3)
    queued = store.get_search(driven)
    assert (queued.status, queued.attempt, queued.stage) == (S.QUEUED, 1, None)
    assert (queued.hold_seconds, queued.setbacks, queued.message) == (5.0, 3, "the driver was lost")
    assert not store.requeue_search(driven, 1, 0.0, "once is enough")
    assert store.begin_driver(driven) == 2
    store.driver_started(driven, 2)
    running = store.get_search(driven)
    assert (running.attempt, running.hold_seconds, running.started_at) == (2, None, started)
    assert running.message is None


@pytest.mark.parametrize(("end", "kept"), [(S.COMPLETED, None), (S.STOPPED, "as asked"), (S.FAILED, "as asked")])
def test_a_completed_search_keeps_no_message_of_its_way(store: Store, driven: str, end, kept):
    store.replace_message(driven, None, "as asked")
    store.finish_search(driven, 1, end)
    assert store.get_search(driven).message == kept


@pytest.fixture
def driver_writes(store: Store, driven: str, add, snapshot_at) -> list[Callable[[], object]]:
    """All that attempt 1 may write to its search."""
    return [
        lambda: store.driver_started(driven, 1),
        lambda: store.set_stage(driven, 1, Stage("late", 0, 1)),
        lambda: store.finish_search(driven, 1, S.COMPLETED),
        lambda: add(driven, 7, 1),
        lambda: store.begin_attempt(driven, 0, 1),
        lambda: store.add_snapshot(driven, 1, 0, snapshot_at(1)),
    ]


@pytest.mark.parametrize("successor", [False, True], ids=["requeued", "replaced"])
def test_a_stale_driver_is_refused_everywhere(store: Store, driven: str, add, driver_writes, successor: bool):
    add(driven, 0)
    store.requeue_search(driven, 1, 0.0, "lost")
    if successor:
        store.begin_driver(driven)
        store.driver_started(driven, 2)
    before = store.get_search(driven), store.all_trials(driven)
    for write in driver_writes:
        with pytest.raises(StaleAttemptError, match="attempt 1 does not drive"):
            write()
    assert (store.get_search(driven), store.all_trials(driven)) == before
    assert not store.requeue_search(driven, 1, 0.0, "stale")


def test_a_stopping_search_starts_nothing_new_but_lets_its_driver_end(store: Store, driven: str, add, measured):
    add(driven, 0)
    store.move_search(driven, [S.RUNNING], S.STOPPING)
    for write in (lambda: add(driven, 1), lambda: store.driver_started(driven, 1), lambda: add(driven, 0)):
        with pytest.raises(SearchClosedError, match="is stopping"):
            write()
    assert not store.requeue_search(driven, 1, 0.0, "lost")
    store.set_stage(driven, 1, Stage("stopping", 0, 1))
    store.record_measurement(driven, 0, 1, measured())
    store.finish_search(driven, 1, S.STOPPED)
    (trial,) = store.all_trials(driven)
    assert (trial.status, trial.score) == (TrialStatus.STOPPED, 0.5)


def test_nothing_is_written_to_a_search_that_is_over(store: Store, driven: str, add, measured, driver_writes):
    add(driven, 0)
    store.finish_search(driven, 1, S.FAILED, "no luck")
    before = store.get_search(driven), store.all_trials(driven)
    for write in driver_writes:
        with pytest.raises(SearchClosedError, match="is failed"):
            write()
    with pytest.raises(StaleAttemptError):
        store.record_measurement(driven, 0, 1, measured())
    assert (store.get_search(driven), store.all_trials(driven)) == before


def test_a_search_finishes_only_with_an_end(store: Store, driven: str):
    with pytest.raises(ValueError, match="cannot finish as running"):
        store.finish_search(driven, 1, S.RUNNING)
