"""Searches at a glance: what one statement each says of many is what was recorded of every one."""

from __future__ import annotations

import random

import pytest

from nas.results.standing import standing
from nas.results.status import SearchStatus
from nas.results.status import TrialStatus as T
from nas.store import Overview, SearchCost, Store, TrialRecord

STATEMENTS = 5
"""Of an overview of up to a thousand searches."""


@pytest.fixture
def begun(store: Store, spec):
    """Make a new search, driven by attempt 1."""

    def begin() -> str:
        search, _ = store.create_search(spec)
        store.begin_driver(search.id)
        return search.id

    return begin


def test_counts_by_status(store: Store, driven: str, add, measured):
    assert store.overview(driven).trials == dict.fromkeys(T, 0)
    for number in range(4):
        add(driven, number)
    for number in range(3):
        store.record_measurement(driven, number, 1, measured(100, 0.1))
    store.finish_trial(driven, 0, 1, T.COMPLETED)
    store.finish_trial(driven, 3, 1, T.FAILED)
    counts = store.overview(driven).trials
    assert counts == {T.RUNNING: 2, T.COMPLETED: 1, T.PRUNED: 0, T.FAILED: 1, T.STOPPED: 0}
    assert list(counts) == list(T)


def test_a_search_without_trials_and_one_that_is_not_there(store: Store, driven: str):
    nothing = Overview(dict.fromkeys(T, 0), None, SearchCost(0.0, 0, 0))
    assert store.overviews([driven, "s0", driven]) == {driven: nothing, "s0": nothing}
    assert store.overviews([]) == {}


def best_by_definition(trials: list[TrialRecord]) -> TrialRecord | None:
    scored = [
        (standing(trial.iteration, trial.score), -trial.number, trial)
        for trial in trials
        if trial.iteration is not None and trial.score is not None and trial.status is not T.FAILED
    ]
    return max(scored, key=lambda found: found[:2])[2] if scored else None


def test_many_searches_are_what_each_one_is(store: Store, begun, add, measured, snapshot_at, statements):
    """Random trials, scores with ties; the best one and the sums are told from the trials themselves."""
    rng = random.Random(3)
    ids = [begun() for _ in range(6)]
    for search_id in ids[:-1]:
        for number in range(rng.randrange(12)):
            add(search_id, number)
            for rung in (100, 300)[: rng.randrange(3)]:
                point = measured(rung, rng.choice([0.25, 0.5, 0.75]), device_seconds=float(rung))
                store.record_measurement(search_id, number, 1, point)
            measures = store.get_trial(search_id, number).score is not None
            if rng.random() < 0.6:
                store.finish_trial(search_id, number, 1, rng.choice([T.COMPLETED, T.FAILED]) if measures else T.FAILED)
    store.add_snapshot(ids[0], 1, 0, snapshot_at(1, device_seconds=1000.0))
    store.add_snapshot(ids[0], 1, 0, snapshot_at(2, device_seconds=3000.0))
    store.add_snapshot(ids[1], 1, 2, snapshot_at(7, device_seconds=5000.0))
    runs = {ids[0]: 3000.0, ids[1]: 5000.0}
    with statements() as sent:
        found = store.overviews(ids)
    assert len(sent) == STATEMENTS
    assert found.keys() == set(ids)
    for search_id in ids:
        trials = store.all_trials(search_id)
        overview = found[search_id]
        assert overview.trials == {status: sum(trial.status is status for trial in trials) for status in T}
        assert overview.best == best_by_definition(trials) == store.best_trial(search_id)
        assert overview.cost.device_seconds == sum(t.device_seconds or 0.0 for t in trials) + runs.get(search_id, 0.0)
        assert overview.cost.measured == sum(trial.score is not None for trial in trials)
        assert overview == store.overview(search_id)
    assert sum(overview.best is not None for overview in found.values()) >= 3, "the draw has something to compare"


def test_the_best_of_a_stopped_search_stays(store: Store, driven: str, add, measured):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured(100, 0.5))
    store.finish_search(driven, 1, SearchStatus.STOPPED)
    overview = store.overview(driven)
    assert overview.best == store.get_trial(driven, 0)
    assert overview.trials[T.STOPPED] == 1


def test_more_searches_than_a_statement_takes(store: Store, driven: str, add, statements):
    add(driven, 0)
    ids = [driven, *(f"s{number:012x}" for number in range(1500))]
    with statements() as sent:
        found = store.overviews(ids)
    assert len(sent) == 2 * STATEMENTS
    assert found.keys() == set(ids)
    assert sum(overview.trials[T.RUNNING] for overview in found.values()) == 1
