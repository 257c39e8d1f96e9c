"""Following a search by the numbers of its changes: none is missed, none comes twice, whatever the clocks say."""

from __future__ import annotations

import random
import threading

import pytest

from nas.results.status import TrialStatus as T
from nas.store import NotFoundError, Store
from tests.builders import measured


def test_changes_come_once_in_their_order(store: Store, driven: str, add):
    for number in range(3):
        add(driven, number)
    everything = store.changed_trials(driven)
    assert [change.trial.number for change in everything] == [0, 1, 2]
    assert [change.trial for change in everything] == store.all_trials(driven)
    since = everything[-1].sequence
    assert store.last_change(driven) == since
    assert store.changed_trials(driven, since) == []
    store.record_measurement(driven, 2, 1, measured(100, 0.3))
    store.finish_trial(driven, 2, 1, T.PRUNED)
    store.record_measurement(driven, 0, 1, measured(300))
    store.record_measurement(driven, 1, 1, measured(100))
    before = store.last_change(driven)
    store.record_measurement(driven, 1, 1, measured(100))  # recorded already: no change
    assert store.last_change(driven) == before
    changed = store.changed_trials(driven, since)
    assert [change.trial.number for change in changed] == [2, 0, 1]
    assert [change.trial.score for change in changed] == [0.3, 0.5, 0.5]
    assert store.changed_trials(driven, since, limit=2) == changed[:2]
    assert store.changed_trials(driven, changed[0].sequence) == changed[1:]


def test_a_clock_that_steps_back_hides_nothing(store: Store, clock, driven: str, add):
    add(driven, 0)
    since = store.last_change(driven)
    clock.now -= 86_400
    add(driven, 1)
    store.record_measurement(driven, 0, 1, measured(100, 0.25))
    assert [change.trial.number for change in store.changed_trials(driven, since)] == [1, 0]


def test_what_had_ended_by_a_change_is_read_again_whatever_came_after(store: Store, clock, driven: str, add):
    for number in range(4):
        add(driven, number)
    for number, status in ((0, T.COMPLETED), (2, T.PRUNED), (3, T.FAILED)):
        store.record_measurement(driven, number, 1, measured(100, 0.25))
        store.finish_trial(driven, number, 1, status, "died" if status is T.FAILED else None)
    mark = store.last_change(driven)
    read = store.trials_until(driven, mark)
    assert [trial.number for trial in read] == [0, 2, 3]
    clock.now -= 86_400
    store.record_measurement(driven, 1, 1, measured(100, 0.5))
    store.finish_trial(driven, 1, 1, T.COMPLETED)
    assert store.trials_until(driven, mark) == read
    assert [trial.number for trial in store.trials_until(driven, store.last_change(driven))] == [0, 1, 2, 3]
    assert store.trials_until(driven, 0) == []


def test_a_search_remembers_how_far_those_it_starts_from_had_come(store: Store, driven: str, add, spec):
    add(driven, 0)
    starts = spec.model_copy(update={"warm_start": (driven,), "start": ("published", driven)})
    search, _ = store.create_search(starts)
    assert search.origins == {driven: store.last_change(driven)}
    add(driven, 1)
    assert store.get_search(search.id) == search
    with pytest.raises(NotFoundError, match="no search 's000000000000' to start from"):
        store.create_search(spec.model_copy(update={"warm_start": ("s000000000000",)}))
    assert store.create_search(spec)[0].origins == {}


def test_a_search_without_trials_has_no_change(store: Store, driven: str):
    assert store.last_change(driven) == store.last_change("s0") == 0
    assert store.changed_trials(driven) == []


def test_a_search_counts_for_itself(store: Store, driven: str, add, spec):
    add(driven, 0)
    other, _ = store.create_search(spec)
    store.begin_driver(other.id)
    add(other.id, 0)
    (mine,), (its,) = store.changed_trials(driven), store.changed_trials(other.id)
    assert mine.sequence == its.sequence


def test_a_follower_sees_every_change_of_many_writers(store: Store, driven: str, add):
    """While threads write and the search ends among them, a follower that only looks ahead ends with the record."""
    for number in range(6):
        add(driven, number)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for rung in range(1, 9):
                store.record_measurement(driven, number, 1, measured(100 * rung, random.Random(number + rung).random()))
            store.finish_trial(driven, number, 1, T.COMPLETED)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    seen, last = {}, 0
    while alive := any(thread.is_alive() for thread in threads) or store.last_change(driven) > last:
        for change in store.changed_trials(driven, last, limit=2):
            assert change.sequence > last
            seen[change.trial.number], last = change.trial, change.sequence
    assert not alive
    assert errors == []
    assert list(dict(sorted(seen.items())).values()) == store.all_trials(driven)
    assert store.odd_totals() == []
