"""Whether the service can write where it has to."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from fastapi import Request
from sqlalchemy import event

from api import disk
from api.errors import _store_error
from nas.settings import Settings
from nas.specs import BlackBoxSpec
from nas.store import Store, StoreError


def test_a_folder_that_takes_files_is_left_as_it_was(tmp_path):
    assert disk.why_not_writable([tmp_path]) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_has_vanished(tmp_path):
    said = disk.why_not_writable([tmp_path, tmp_path / "gone"])
    assert said == f"nothing can be written to {tmp_path / 'gone'}: No such file or directory"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that takes no files, whoever asks")
def test_a_folder_that_takes_no_files():
    said = disk.why_not_writable([Path("/proc/self")])
    assert said is not None
    assert said.startswith("nothing can be written to /proc/self: ")


def test_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "NEEDED_BYTES", 10**18)
    said = disk.why_not_writable([tmp_path])
    assert said is not None
    assert said.startswith(f"the disk of {tmp_path} is full: ")


def test_a_disk_that_is_full_under_the_database_is_told(tmp_path):
    """By SQLite's own error, of a file that may not grow."""
    spec = BlackBoxSpec.model_validate({"name": "one more", "fidelity": {"dataset": "scenes"}})
    with Store.open(f"sqlite:///{tmp_path / 'full.db'}") as store:
        store.migrate()
        store.close()
        limit = lambda connection, _: connection.execute("PRAGMA max_page_count = 1")  # noqa: E731  the file's size
        event.listen(store._engine, "connect", limit)
        with pytest.raises(StoreError) as caught:
            list(map(store.create_search, [spec] * 1000))
        answer = asyncio.run(_store_error(Request({"type": "http"}), caught.value))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    detail = json.loads(bytes(answer.body))["detail"]
    assert detail == "the disk of the store is full: nothing can be recorded; try again in a moment"


def test_the_folder_of_a_database_elsewhere_counts(tmp_path):
    home, other = tmp_path / "home", tmp_path / "other"
    assert disk.folders(Settings(home=home)) == [home]
    assert disk.folders(Settings(home=home, database_url=f"sqlite:///{other / 'x.db'}")) == [home, other]
    assert disk.folders(Settings(home=home, database_url="postgresql://host/db")) == [home]


def test_readiness_names_the_disk(service):
    parts = service.http.get("/readyz").json()["parts"]
    assert parts["disk"] == {"ok": True, "message": None}
