"""Counts over all searches, and since when changes wait: what monitoring asks of the record."""

from __future__ import annotations

import pytest

from nas.results.status import SearchStatus, TrialStatus
from nas.store import Store


def test_an_empty_record_counts_nothing(store: Store):
    found = store.census()
    assert found.searches == dict.fromkeys(SearchStatus, 0)
    assert found.trials == dict.fromkeys(TrialStatus, 0)
    assert (found.adopted, found.device_seconds) == (0, 0.0)


def test_searches_and_trials_are_counted_over_all_searches(store: Store, spec, driven: str, add, measured, statements):
    other, _ = store.create_search(spec)
    store.create_search(spec)
    store.begin_driver(other.id)
    for search, number in ((driven, 0), (driven, 1), (other.id, 0)):
        add(search, number)
        store.record_measurement(search, number, 1, measured(100, 0.5, device_seconds=2.5))
    store.finish_trial(driven, 0, 1, TrialStatus.PRUNED)
    store.finish_trial(other.id, 0, 1, TrialStatus.FAILED, "out of memory")
    with statements() as sent:
        found = store.census()
    assert len(sent) == 3
    assert {status: number for status, number in found.searches.items() if number} == {
        SearchStatus.RUNNING: 1,
        SearchStatus.STARTING: 1,
        SearchStatus.QUEUED: 1,
    }
    assert {status: number for status, number in found.trials.items() if number} == {
        TrialStatus.RUNNING: 1,
        TrialStatus.PRUNED: 1,
        TrialStatus.FAILED: 1,
    }
    assert found.device_seconds == 7.5


def test_adopted_trials_are_counted_and_cost_nothing(store: Store, spec, driven: str, add, measured, cells):
    from nas.results.proposal import Proposal

    add(driven, 0)
    for rung in (100, 300):
        store.record_measurement(driven, 0, 1, measured(rung, 0.5, device_seconds=rung / 10))
    store.finish_trial(driven, 0, 1, TrialStatus.COMPLETED)
    store.adopt_trial(driven, 1, Proposal(1, cells[0], spec.fidelity, seed=0), driven, 0)
    found = store.census()
    assert (found.adopted, found.trials[TrialStatus.COMPLETED], found.device_seconds) == (1, 2, 30.0)


def test_runs_cost_up_to_their_last_snapshot(store: Store, driven: str, snapshot_at):
    for run, epochs in ((0, 2), (1, 3)):
        for epoch in range(1, epochs + 1):
            store.add_snapshot(driven, 1, run, snapshot_at(epoch))  # 12.5 device-seconds each
    assert store.census().device_seconds == pytest.approx(25.0 + 37.5)
    assert store.overview(driven).cost.device_seconds == pytest.approx(62.5)


def test_the_oldest_change_since_a_change(store: Store, driven: str, add, measured, clock):
    assert store.recorded_since(driven, 0) is None
    clock.now = 1000.0
    add(driven, 0)
    seen = store.last_change(driven)
    assert store.recorded_since(driven, seen) is None
    clock.now = 2000.0
    add(driven, 1)
    clock.now = 3000.0
    store.record_measurement(driven, 0, 1, measured(100, 0.5))
    assert store.recorded_since(driven, seen) == pytest.approx(2000.0, abs=1.0)
    assert store.recorded_since(driven, store.last_change(driven) - 1) == pytest.approx(3000.0, abs=1.0)
