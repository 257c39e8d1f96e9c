"""Snapshots of differentiable runs: given back as they were taken, once each."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from nas.store import NotFoundError, SnapshotRecord, Store, StoreError


def test_snapshots_are_kept_once_each_by_run_and_epoch(store: Store, driven: str, snapshot_at):
    first, second, other = snapshot_at(1), snapshot_at(2, finished=True, hessian_eigenvalue=0.25), snapshot_at(1)
    store.add_snapshot(driven, 1, 0, second)
    store.add_snapshot(driven, 1, 1, other)
    store.add_snapshot(driven, 1, 0, first)
    store.add_snapshot(driven, 1, 0, snapshot_at(2, supernet_miou=0.9))
    found = store.snapshots(driven)
    assert [(record.run, record.snapshot) for record in found] == [(0, first), (0, second), (1, other)]
    assert found[0].architecture == first.architecture
    assert isinstance(found[1], SnapshotRecord)
    assert store.snapshots("s0") == []


def test_snapshots_of_one_run_or_epoch(store: Store, driven: str, snapshot_at):
    for run, epoch in ((0, 1), (0, 2), (1, 1)):
        store.add_snapshot(driven, 1, run, snapshot_at(epoch))
    places = {
        (1, None): [(1, 1)],
        (None, 1): [(0, 1), (1, 1)],
        (0, 2): [(0, 2)],
        (1, 2): [],
    }
    for query, expected in places.items():
        found = store.snapshots(driven, *query)
        assert [(record.run, record.snapshot.epoch) for record in found] == expected


def test_a_snapshot_of_an_unknown_search_is_not_found(store: Store, snapshot_at):
    with pytest.raises(NotFoundError):
        store.add_snapshot("s0", 1, 0, snapshot_at(1))


def test_a_snapshot_that_no_longer_validates_is_named(store: Store, driven: str, snapshot_at):
    store.add_snapshot(driven, 1, 0, snapshot_at(1))
    with store._write() as connection:
        row = {"search": driven}
        connection.execute(text("""INSERT INTO snapshots VALUES (:search, 1, 3, '{"epoch": 3}', 0)"""), row)
    with pytest.raises(StoreError, match=f"snapshot of search {driven}, run 1, epoch 3, is not one .* step"):
        store.snapshots(driven)
    assert len(store.snapshots(driven, run=0)) == 1
