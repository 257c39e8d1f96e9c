"""What is removed of the folders of searches, and what is left alone; on several nodes: `test_two_nodes.py`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nas.results.status import SearchStatus
from nas.store import Store
from workers.driver.leftovers import FORGOTTEN_SECONDS, _over, idle_folders, remove_folders

OTHER = "s00000000000f"


def checkpoint(artifacts: Path, search_id: str, age: float) -> None:
    """The folder of a trial that was broken off so many seconds ago."""
    trial = artifacts / search_id / "trial-000003"
    trial.mkdir(parents=True)
    (trial / "checkpoint.pt").write_bytes(b"state")
    for path in (trial / "checkpoint.pt", trial, trial.parent):
        os.utime(path, (time.time() - age,) * 2)


def test_only_folders_of_searches_are_looked_at(tmp_path):
    assert idle_folders(tmp_path / "none") == {}
    checkpoint(tmp_path, OTHER, 500.0)
    (tmp_path / "notes").mkdir()
    assert idle_folders(tmp_path) == {OTHER: pytest.approx(500.0, abs=60.0)}
    (tmp_path / OTHER / "trial-000003" / "checkpoint.pt").touch()
    assert idle_folders(tmp_path)[OTHER] < 60.0


def test_what_is_completed_or_long_forgotten_is_over(store: Store, spec_of):
    ids = {name: store.create_search(spec_of(name=name))[0].id for name in ("done", "stopped", "runs")}
    for search_id in ids.values():
        store.driver_started(search_id, store.begin_driver(search_id))
    store.finish_search(ids["done"], 1, SearchStatus.COMPLETED)
    store.move_search(ids["stopped"], [SearchStatus.RUNNING], SearchStatus.STOPPING)
    store.finish_search(ids["stopped"], 1, SearchStatus.STOPPED)
    found = dict.fromkeys(ids.values(), 2 * FORGOTTEN_SECONDS) | {OTHER: FORGOTTEN_SECONDS - 60, "s000000000000": 1e9}
    assert set(_over(store, found)) == {ids["done"], "s000000000000"}


def test_removed_is_what_was_named(tmp_path):
    checkpoint(tmp_path, OTHER, 0.0)
    checkpoint(tmp_path, "s000000000001", 0.0)
    assert remove_folders(tmp_path, [OTHER, "s000000000002"]) == 2
    assert [folder.name for folder in tmp_path.iterdir()] == ["s000000000001"]
