"""The status of a search: what may follow what, moved by compare-and-set."""

from __future__ import annotations

import pytest

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec
from nas.store import ConflictError, Lease, Store

S = SearchStatus


def test_a_move_is_compare_and_set(store: Store, spec: BlackBoxSpec):
    search, _ = store.create_search(spec)
    assert not store.move_search(search.id, [S.RUNNING], S.STOPPING)
    assert store.get_search(search.id) == search
    assert store.move_search(search.id, [S.QUEUED, S.RUNNING], S.STOPPING, message="as asked")
    assert not store.move_search(search.id, [S.QUEUED, S.RUNNING], S.STOPPING)
    moved = store.get_search(search.id)
    assert (moved.status, moved.message, moved.finished_at) == (S.STOPPING, "as asked", None)
    assert moved.updated_at > search.updated_at


@pytest.mark.parametrize("end", [S.COMPLETED, S.FAILED, S.STOPPED])
def test_a_terminal_search_never_changes(store: Store, spec: BlackBoxSpec, end: SearchStatus):
    search, _ = store.create_search(spec)
    assert store.move_search(search.id, [S.QUEUED], end, message="over")
    over = store.get_search(search.id)
    assert over.finished_at == over.updated_at
    for status in S:
        assert not store.move_search(search.id, [end], status)
    assert not store.take_lease(search.id, "me", Lease(None, 0))
    with pytest.raises(ConflictError):
        store.begin_driver(search.id)
    assert not store.requeue_search(search.id, 0, 0.0, "again")
    assert store.get_search(search.id) == over


@pytest.mark.parametrize(("source", "to"), [(S.QUEUED, S.RUNNING), (S.STOPPING, S.QUEUED), (S.RUNNING, S.STARTING)])
def test_an_impossible_move_is_the_callers_mistake(store: Store, spec: BlackBoxSpec, source: S, to: S):
    search, _ = store.create_search(spec)
    with pytest.raises(ValueError, match=f"that is {source} cannot become {to}"):
        store.move_search(search.id, [source], to)


def test_a_change_may_ask_for_the_driver(store: Store, driven: str):
    assert not store.move_search(driven, [S.RUNNING], S.FAILED, attempt=2)
    assert store.move_search(driven, [S.RUNNING], S.FAILED, attempt=1)


def test_an_end_stops_the_trials_in_flight(store: Store, driven: str, add, measured):
    add(driven, 0)
    add(driven, 1)
    store.record_measurement(driven, 0, 1, measured())
    store.finish_trial(driven, 0, 1, TrialStatus.COMPLETED)
    assert store.move_search(driven, [S.RUNNING], S.FAILED, message="lost")
    first, second = store.all_trials(driven)
    assert (first.status, second.status) == (TrialStatus.COMPLETED, TrialStatus.STOPPED)
    assert second.reason == "the search ended: failed"
    assert second.finished_at == store.get_search(driven).finished_at


def test_a_message_is_replaced_only_where_it_still_is_the_old_one(store: Store, driven: str):
    assert store.replace_message(driven, None, "waits")
    assert not store.replace_message(driven, None, "too late")
    assert not store.replace_message(driven, "something else", None)
    assert store.get_search(driven).message == "waits"
    long = "é\x00" * 10_000
    assert store.replace_message(driven, "waits", long)
    assert store.replace_message(driven, store.get_search(driven).message, None)
    assert store.get_search(driven).message is None
    assert not store.replace_message("s0", None, "nobody")
    store.finish_search(driven, 1, S.COMPLETED)
    assert not store.replace_message(driven, None, "over")


def test_text_that_a_database_cannot_hold_is_cleaned(store: Store, spec: BlackBoxSpec):
    search, _ = store.create_search(spec)
    store.move_search(search.id, [S.QUEUED], S.FAILED, message="a\x00b \ud800 " + "é" * 10_000)
    message = store.get_search(search.id).message
    assert message is not None
    assert message.startswith("ab ? é")
    assert len(message) == 4000
