"""Whether the service can write where it has to."""

from __future__ import annotations

from pathlib import Path

import pytest

from api import disk
from nas.settings import Settings


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


def test_the_folder_of_a_database_elsewhere_counts(tmp_path):
    home, other = tmp_path / "home", tmp_path / "other"
    assert disk.folders(Settings(home=home)) == [home]
    assert disk.folders(Settings(home=home, database_url=f"sqlite:///{other / 'x.db'}")) == [home, other]
    assert disk.folders(Settings(home=home, database_url="postgresql://host/db")) == [home]


def test_readiness_names_the_disk(service):
    parts = service.http.get("/readyz").json()["parts"]
    assert parts["disk"] == {"ok": True, "message": None}
