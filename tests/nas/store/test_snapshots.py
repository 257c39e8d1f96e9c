"""Snapshots and tokens."""

from __future__ import annotations

import pytest

from nas.store import ConflictError, NotFoundError, SnapshotRecord, Store


def test_snapshots_are_kept_once_each_by_run_and_epoch(store: Store, driven: str):
    store.add_snapshot(driven, 1, 0, 1, {"path": [0, 1], "entropy": 0.5})
    store.add_snapshot(driven, 1, 1, 0, {"path": [2]})
    store.add_snapshot(driven, 1, 0, 0, {"path": []})
    store.add_snapshot(driven, 1, 0, 1, {"path": "another"})
    found = store.snapshots(driven)
    assert [(snapshot.run, snapshot.epoch) for snapshot in found] == [(0, 0), (0, 1), (1, 0)]
    assert found[1].payload == {"path": [0, 1], "entropy": 0.5}
    assert isinstance(found[1], SnapshotRecord)
    assert store.snapshots("s0") == []


def test_a_snapshot_of_an_unknown_search_is_not_found(store: Store):
    with pytest.raises(NotFoundError):
        store.add_snapshot("s0", 1, 0, 0, {})


def test_a_token_is_known_by_its_digest_until_revoked(store: Store):
    made = store.add_token("ci", "d" * 64, ["read", "submit"])
    assert store.find_token("d" * 64) == made
    assert made.scopes == ("read", "submit")
    assert store.find_token("e" * 64) is None
    store.revoke_token("ci")
    store.revoke_token("ci")
    assert store.find_token("d" * 64) is None


def test_names_and_digests_of_tokens_are_unique(store: Store):
    store.add_token("ci", "d" * 64, [])
    for name, digest in (("ci", "e" * 64), ("other", "d" * 64)):
        with pytest.raises(ConflictError, match="there is a token"):
            store.add_token(name, digest, [])
    with pytest.raises(NotFoundError, match="no token 'other'"):
        store.revoke_token("other")
