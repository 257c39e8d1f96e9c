from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from nas import digests
from nas.data.dataset import Item, LabelTable, SegmentationDataset, Split
from nas.data.errors import DatasetError
from nas.digests import file_digests


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch) -> None:
    monkeypatch.setattr(digests, "_in_this_process", {})


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """The paths that were read, in any order."""
    paths: list[str] = []
    real = digests._hash

    def spy(path: str) -> str:
        paths.append(path)
        return real(path)

    monkeypatch.setattr(digests, "_hash", spy)
    return paths


@pytest.fixture
def files(tmp_path, monkeypatch) -> list[Path]:
    """Two files whose last change is long ago."""
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_bytes(path.name.encode() * 100)
    later = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: later)
    return paths


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_unchanged_file_is_read_once(files, hashed):
    expected = [sha256(path) for path in files]
    assert file_digests(files) == expected
    assert file_digests([files[1], files[0], files[1]]) == [expected[1], expected[0], expected[1]]
    assert sorted(hashed) == [str(path) for path in files]


def test_other_processes_read_the_store(files, hashed, tmp_path, monkeypatch):
    store = tmp_path / "store" / "digests.json"
    expected = file_digests(files, store)
    monkeypatch.setattr(digests, "_in_this_process", {})
    assert file_digests(files, store) == expected
    assert len(hashed) == 2
    written = store.read_text()
    for broken in ("{", "[" * 100_000, "[]", "{}", written.replace(expected[0], expected[1])):
        store.write_text(broken)
        monkeypatch.setattr(digests, "_in_this_process", {})
        assert file_digests(files, store) == expected  # a broken store is made again
        assert store.read_text() == written
    store.unlink()
    store.mkdir()
    monkeypatch.setattr(digests, "_in_this_process", {})
    assert file_digests(files, store) == expected  # one that cannot be written is left alone


def test_a_store_keeps_the_hashes_of_other_files_that_are_still_there(files, hashed, tmp_path, monkeypatch):
    store = tmp_path / "digests.json"
    third = tmp_path / "c"
    third.write_bytes(b"c")
    for path in (*files, third):
        file_digests([path], store)
    monkeypatch.setattr(digests, "_in_this_process", {})
    assert file_digests([*files, third], store) == [sha256(path) for path in (*files, third)]
    assert len(hashed) == 3
    files[1].unlink()
    third.write_bytes(b"changed")
    file_digests([third], store)
    assert sorted(json.loads(store.read_text())["files"]) == [str(files[0]), str(third)]


def test_another_process_reads_no_file_of_a_data_set_of_several_splits(tmp_path, hashed, monkeypatch):
    later = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: later)
    folder = tmp_path / "data"
    folder.mkdir()
    splits = {}
    for name in ("train", "val", "test"):
        items = [Item(folder / f"{name}-{part}", folder / f"{name}-{part}-labels") for part in range(3)]
        for path in chain.from_iterable(items):
            path.write_bytes(path.name.encode())
        splits[name] = Split(name, tuple(items), LabelTable.identity(2))

    def opened() -> SegmentationDataset:
        palette = np.zeros((2, 3), np.uint8)
        return SegmentationDataset("folder", folder, ("a", "b"), palette, splits, digests=tmp_path / "digests.json")

    first = opened().key
    assert len(hashed) == 18
    monkeypatch.setattr(digests, "_in_this_process", {})
    assert opened().key == first
    assert len(hashed) == 18


def test_a_change_that_keeps_size_and_modification_time_is_seen(files, hashed):
    before = file_digests(files)
    stat = files[0].stat()
    files[0].write_bytes(b"c" * 100)
    os.utime(files[0], ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert files[0].stat().st_mtime_ns == stat.st_mtime_ns
    assert file_digests(files) == [sha256(files[0]), before[1]]
    shutil.copy(files[1], files[1].with_name("copy"))
    files[1].with_name("copy").replace(files[1])  # the same content in another file
    assert file_digests(files)[1] == before[1]


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path, hashed):
    path = tmp_path / "a"
    for content in (b"one", b"two"):
        path.write_bytes(content)
        assert file_digests([path], tmp_path / "store.json") == [hashlib.sha256(content).hexdigest()]
    assert len(hashed) == 2
    assert not (tmp_path / "store.json").exists()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone"):
        file_digests([tmp_path / "gone"])
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        file_digests([tmp_path])
    (tmp_path / "folder").mkdir()
    with pytest.raises(DatasetError, match=r"folder cannot be read \(Is a directory\)"):
        key(tmp_path)


def key(root: Path, table: LabelTable | None = None) -> str:
    items = tuple(Item(path, path) for path in sorted(root.iterdir()))
    split = Split("train", items, table or LabelTable.identity(2))
    palette = np.zeros((2, 3), np.uint8)
    return SegmentationDataset("folder", root, ("a", "b"), palette, {"train": split}).key


def with_comment() -> dict[str, Any]:
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Comment", "x" * 200, zip=False)
    return {"pnginfo": comment}


@pytest.mark.parametrize("name", ["a.bmp", "a.tif", "a.png", "a.webp"])
@pytest.mark.parametrize("pixel", [(0, 0), (63, 63), (31, 7)])
def test_every_pixel_is_in_the_key_of_a_data_set(tmp_path, name, pixel):
    values = np.arange(64 * 64, dtype=np.uint32).reshape(64, 64).astype(np.uint8)
    options = {"a.png": with_comment(), "a.webp": {"lossless": True}}.get(name, {})
    path = tmp_path / name
    Image.fromarray(values).save(path, **options)
    before, size, end = key(tmp_path), path.stat().st_size, path.read_bytes()[-64:]
    values[pixel] ^= 1
    Image.fromarray(values).save(path, **options)
    assert key(tmp_path) != before
    if name == "a.bmp" and pixel == (63, 63):
        # Rows lie from the bottom up, so this is not at the end: size and last 64 bytes are those of the first file.
        assert (path.stat().st_size, path.read_bytes()[-64:]) == (size, end)


def test_what_values_mean_is_in_the_key(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    keys = {key(tmp_path), key(tmp_path, LabelTable.of({0: 1, 1: 0})), key(tmp_path, LabelTable.of({0: 0, 1: 1}))}
    assert len(keys) == 3
