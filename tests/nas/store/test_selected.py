"""Reads of some trials, searches and epochs: what the record has of them, and nothing of others."""

from __future__ import annotations

from nas.specs import ClassIou, Goals
from nas.store import EpochEnd, RungPoint, Store
from tests.builders import measured


def test_trials_of_some_architectures(store: Store, driven: str, add):
    for number in range(5):
        add(driven, number)
    trials = store.all_trials(driven)
    keys = store.architecture_keys(driven, [3, 1, 99])
    assert keys == {1: trials[1].architecture_key, 3: trials[3].architecture_key}
    assert store.trials_of(driven, keys.values()) == [t for t in trials if t.architecture_key in keys.values()]
    assert store.trials_of(driven, []) == store.trials_of("s0", keys.values()) == []


def test_points_of_rungs(store: Store, driven: str, add):
    add(driven, 0)
    add(driven, 1)
    store.record_measurement(driven, 0, 1, measured(100, 0.25, 2.0, device_seconds=4.0))
    store.record_measurement(driven, 0, 1, measured(300, 0.5, 6.0, device_seconds=12.0))
    assert store.rung_points(driven, [0, 1]) == {0: [RungPoint(100, 0.25, 4.0), RungPoint(300, 0.5, 12.0)], 1: []}
    store.record_measurement(driven, 1, 1, measured(100, 0.5, class_iou=(0.9, None, 0.1)))
    found = store.rung_points(driven, [0, 1], Goals(objectives=(ClassIou(class_iou="car", number=2),)))
    assert found == {0: [], 1: [RungPoint(100, 0.1, 1.0)]}, "trial 0 has no class of that number"
    assert store.rung_points(driven, [1], Goals(objectives=("worst_class_iou",))) == {1: [RungPoint(100, 0.1, 1.0)]}


def test_some_searches_and_the_ends_of_their_epochs(store: Store, driven: str, spec, snapshot_at):
    other, _ = store.create_search(spec)
    assert store.find_searches([driven, other.id, "s0"]) == {
        driven: store.get_search(driven),
        other.id: store.get_search(other.id),
    }
    for run, epoch in ((1, 1), (0, 2), (0, 1)):
        store.add_snapshot(driven, 1, run, snapshot_at(epoch))
    ends = [EpochEnd(0, 1, 12.5), EpochEnd(0, 2, 25.0), EpochEnd(1, 1, 12.5)]
    assert store.epoch_ends([driven, other.id]) == {driven: ends}


def test_fidelities_are_read_once_and_new_ones_join(store: Store, driven: str, add, spec):
    add(driven, 0)
    first = store.fidelities()
    assert first == {spec.fidelity.key: spec.fidelity}
    assert store.fidelities()[spec.fidelity.key] is first[spec.fidelity.key]
