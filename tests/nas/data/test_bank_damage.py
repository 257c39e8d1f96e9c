"""Banks that are damaged, cannot be written or do not fit: the same rows, or a sentence."""

from __future__ import annotations

import logging
import random
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nas import digests
from nas.cache import boots, entries
from nas.data import rows
from nas.data.bank import FeatureBank, build_bank, open_bank
from nas.data.crops import CropSource
from nas.data.dataset import Split
from nas.data.rows import available_memory
from nas.specs import AugmentSpec
from tests.nas.cache.damage import damage_folder
from tests.nas.data.splits import write_split


@pytest.fixture(autouse=True)
def _nothing_held() -> Iterator[None]:
    yield
    entries.let_go()


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Split:
    return write_split(tmp_path_factory.mktemp("images"), 4)


class Features:
    """Two levels of features, and the number of batches that they were computed for."""

    def __init__(self) -> None:
        self.batches = 0

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[Any], ...]:
        self.batches += 1
        cells = images[:, ::8, ::8].astype(np.float32)
        return cells, (cells[:, ::2, ::2] * 0.1).astype(np.float32)


def build(folder: Path, split: Split, features: Features | None = None) -> FeatureBank:
    train, val = CropSource(split, 4, (16, 32), 1, AugmentSpec()), CropSource(split, 2, (16, 32))
    chosen = features or Features()
    return build_bank(folder, train, val, lambda: chosen, label_stride=8, batch=2, progress=lambda *_: None)


def content(bank: FeatureBank) -> list[Any]:
    arrays = (*bank.train_features, bank.train_labels, *bank.val_features, bank.val_labels)
    return [(array.dtype, array.shape, array.tobytes()) for array in arrays]


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Refuse to write files beyond a size, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fuzz(folder: Path, split: Split, seeds) -> None:
    whole = content(build(folder, split))
    for seed in seeds:
        done = damage_folder(folder, random.Random(seed))
        features = Features()
        assert content(build(folder, split, features)) == whole, (seed, done)
        assert content(open_bank(folder)) == whole, (seed, done)
        assert features.batches in (0, 3), (seed, done)  # 0 where the damage changed nothing, a space of the report say


def test_a_damaged_bank_is_made_anew(tmp_path, split):
    fuzz(tmp_path / "banks" / "a", split, range(30))


@pytest.mark.chaos
def test_many_damaged_banks_are_made_anew(tmp_path, split):
    fuzz(tmp_path / "banks" / "a", split, range(1000, 3000))


def test_a_bank_zeroed_at_the_same_size_is_named_and_set_aside(tmp_path, split, caplog):
    folder = tmp_path / "banks" / "a"
    whole = content(build(folder, split))
    file = folder / "val_features_1.npy"
    header, size = file.read_bytes()[:128], file.stat().st_size
    file.write_bytes(header + bytes(size - 128))
    assert content(build(folder, split)) == whole
    assert f"{file} has changed since it was written" in caplog.text
    assert (tmp_path / "banks" / "a.broken" / "val_features_1.npy").stat().st_size == size


def test_a_bank_is_read_in_full_once_for_each_change_and_start(tmp_path, split, monkeypatch):
    folder = tmp_path / "banks" / "a"
    whole = content(build(folder, split))
    monkeypatch.setattr(digests, "SETTLED", -(10**12))  # nothing waits until a file is some seconds old
    hashed: list[str] = []
    real = digests._hash

    def spy(path: str) -> str:
        hashed.append(path)
        return real(path)

    monkeypatch.setattr(digests, "_hash", spy)

    def opened_by_a_new_process() -> int:
        monkeypatch.setattr(digests, "_in_this_process", {})
        hashed.clear()
        assert content(open_bank(folder)) == whole
        return len(hashed)

    assert opened_by_a_new_process() == 6
    assert opened_by_a_new_process() == 0  # another process has noted it
    shutil.copy2(folder / "val_labels.npy", tmp_path / "copy")
    (tmp_path / "copy").replace(folder / "val_labels.npy")
    assert opened_by_a_new_process() == 1
    monkeypatch.setattr(boots, "this_boot", lambda: "another")
    assert opened_by_a_new_process() == 6


def test_a_bank_that_cannot_be_written_is_held_in_memory(tmp_path, split, caplog):
    whole = content(build(tmp_path / "whole", split))
    with files_up_to(200), caplog.at_level(logging.WARNING):
        features = Features()
        banks = [build(tmp_path / "banks" / "a", split, features) for _ in range(3)]
    assert [content(bank) for bank in banks] == [whole] * 3
    assert features.batches == 2 + 3  # until the training files are closed, then once in memory
    assert not (tmp_path / "banks" / "a").exists()
    assert not list((tmp_path / "banks").glob("*.part"))
    assert "File too large" in caplog.text


@pytest.mark.parametrize("place", ["a file", "a broken bank that stays"])
def test_a_cache_in_which_nothing_can_be_made(tmp_path, split, place, monkeypatch):
    whole = content(build(tmp_path / "whole", split))
    if place == "a file":
        (tmp_path / "banks").write_text("in the place of the folder")
    else:
        build(tmp_path / "banks" / "a", split)
        (tmp_path / "banks" / "a" / "val_labels.npy").write_bytes(b"")
        (tmp_path / "banks" / "a.broken").mkdir()
        monkeypatch.setattr(entries, "_remove", refuse)
    assert content(build(tmp_path / "banks" / "a", split)) == whole


def refuse(path: Path) -> None:
    raise PermissionError(1, "Operation not permitted", str(path))


def test_a_full_disk_is_known_before_the_features_are_computed(tmp_path, split, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    features = Features()
    build(tmp_path / "banks" / "a", split, features)
    assert features.batches == 1 + 3


def test_a_bank_that_fits_nowhere_is_an_error_that_says_so(tmp_path, split, monkeypatch):
    (tmp_path / "banks").write_text("in the place of the folder")
    monkeypatch.setattr(rows, "available_memory", lambda: 1000)
    with pytest.raises(OSError, match=r"^the feature bank cannot be written to .*banks/a .* 0\.00 GB may be taken"):
        build(tmp_path / "banks" / "a", split)


def test_a_bank_in_memory_makes_room_for_the_next(tmp_path, split, monkeypatch):
    (tmp_path / "banks").write_text("in the place of the folder")
    size = 6 * (8 * 3 * 4 + 2 * 3 * 4 + 8)  # rows of two levels of float32 and of labels, by hand
    monkeypatch.setattr(rows, "available_memory", lambda: 2 * size * (2 - len(entries._held)))
    for name in "abc":
        build(tmp_path / "banks" / name, split)
    assert [path.name for path in entries.held(FeatureBank)] == ["b", "c"]


def test_memory_is_that_of_the_machine_or_of_its_container(tmp_path):
    assert 0 < available_memory() < 2**50
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:       8000 kB\nMemAvailable:    4000 kB\n")
    assert available_memory(tmp_path) == 4_096_000
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    for limit, expected in (("max", 4_096_000), ("3000000", 2_000_000), ("500000", 0)):
        (group / "memory.max").write_text(f"{limit}\n")
        (group / "memory.current").write_text("1000000\n")
        assert available_memory(tmp_path) == expected
