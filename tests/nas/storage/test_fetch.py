"""Data sets and checkpoints that a machine fetches from a URL, once, whole or not at all."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from nas.data.entry import DatasetEntry
from nas.data.folder.description import FolderDataset
from nas.settings import Settings
from nas.storage import Remote, StorageError, fetch_once
from nas.storage import fetch as module
from nas.weights.entry import WeightsEntry

FILES = {"a.txt": b"first", "below/b.png": b"\x00" * 70_000, "below/deeper/c": b""}

Put = Callable[..., str]


@pytest.fixture
def put(bucket) -> Put:
    """Write files below a prefix of the bucket; its URL."""

    def write(files: dict[str, bytes] = FILES) -> str:
        remote = Remote(f"{bucket}/data")
        for name, content in files.items():
            remote.write(name, content)
        return remote.url

    return write


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_fetched_once(put, tmp_path):
    place, url = tmp_path / "home" / "data", put()
    reports: list[tuple[int, int]] = []
    fetch_once(place, url, lambda *at: reports.append(at))
    assert reports == [(done + 1, len(FILES)) for done in range(len(FILES))]
    assert tree(place) == FILES
    put({"a.txt": b"changed", "new": b"x"})
    fetch_once(place, url)
    assert tree(place) == FILES
    assert [path.name for path in place.parent.iterdir() if path.name.startswith(".")] == []


def test_a_file_is_fetched_under_the_name_that_it_shall_have(put, tmp_path):
    place = tmp_path / "weights" / "mine.pth"
    fetch_once(place, f"{put()}/below/b.png")
    assert place.read_bytes() == FILES["below/b.png"]


def test_nothing_at_the_url_is_said_and_leaves_nothing(put, tmp_path):
    put()
    for url in ("s3://features/nowhere", "s3://no-such-bucket/x"):
        with pytest.raises(StorageError, match=url):
            fetch_once(tmp_path / "data", url)
    assert not (tmp_path / "data").exists()


def test_a_fetch_that_fails_leaves_nothing_and_the_next_one_begins_anew(put, tmp_path, monkeypatch):
    url, place = put(), tmp_path / "data"
    download = Remote.download

    def cut(self: Remote, name: str, file: Path) -> str | None:
        digest = download(self, name, file)
        if name == "a.txt":
            file.write_bytes(b"fir")
        return digest

    monkeypatch.setattr(Remote, "download", cut)
    with pytest.raises(StorageError, match=r"data/a\.txt changed while it was fetched"):
        fetch_once(place, url)
    assert not place.exists()
    monkeypatch.setattr(Remote, "download", download)
    (tmp_path / ".data.1.part").mkdir()  # as a killed process leaves it
    fetch_once(place, url)
    assert tree(place) == FILES
    assert not (tmp_path / ".data.1.part").exists()


def test_processes_fetch_together_once(put, tmp_path):
    url = put()
    program = (
        "import logging, sys; from pathlib import Path; from nas.storage import fetch_once\n"
        "logging.basicConfig(level=logging.INFO, format='%(message)s', stream=sys.stdout)\n"
        "logging.getLogger('nas').setLevel(logging.INFO); fetch_once(Path(sys.argv[1]), sys.argv[2])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "data"), url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = "".join(process.communicate()[0] for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert printed.count(f"fetched {url} to") == 1
    assert tree(tmp_path / "data") == FILES


def test_names_that_lead_elsewhere_are_refused(tmp_path):
    with pytest.raises(StorageError, match="would lie outside of its folder"):
        module._download_all(Remote("s3://bucket/x"), {"../evil": 3}, tmp_path)


def test_an_object_is_read_with_its_digest(put, tmp_path):
    remote = Remote(put())
    assert remote.download("below/b.png", tmp_path / "b") == hashlib.sha256(FILES["below/b.png"]).hexdigest()
    assert remote.download("nowhere", tmp_path / "c") is None
    assert (remote.size("a.txt"), remote.size("nowhere"), remote.read("nowhere")) == (5, None, None)
    remote.set_aside("a.txt")
    remote.set_aside("nowhere")
    assert set(remote.list()) == {"a.txt.broken", "below/b.png", "below/deeper/c"}


def test_a_disk_that_refuses_is_no_fault_of_the_storage(put, tmp_path):
    with pytest.raises(OSError, match="No such file") as raised:
        Remote(put()).download("a.txt", tmp_path / "nowhere" / "a.txt")
    assert not isinstance(raised.value, StorageError)


def test_an_entry_may_name_a_url_and_without_one_is_written_as_before(tmp_path):
    entry = DatasetEntry.model_validate({"layout": "voc2012", "root": tmp_path, "url": "s3://bucket/voc"})
    assert DatasetEntry.model_validate_json(entry.model_dump_json()) == entry
    assert set(DatasetEntry(layout="voc2012", root=tmp_path).model_dump()) == {"layout", "root"}
    assert set(WeightsEntry(path=tmp_path).model_dump()) == {"path"}
    assert "url" in FolderDataset.model_fields
    for url in ("bucket/voc", "s3://", "s3://two words", "://x", "S3://bucket"):
        with pytest.raises(ValidationError, match="url"):
            WeightsEntry.model_validate({"path": tmp_path, "url": url})


def test_the_storage_is_a_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("SEGNAS_HOME", str(tmp_path))
    monkeypatch.setenv("SEGNAS_STORAGE", "s3://bucket/segnas\n")
    assert Settings().storage == "s3://bucket/segnas"
    monkeypatch.setenv("SEGNAS_STORAGE", "/mnt/shared")
    with pytest.raises(ValidationError, match="storage"):
        Settings()
