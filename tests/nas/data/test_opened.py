"""Opened data sets are used again for as long as is asked, and no longer."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from nas.data.entry import DatasetEntry
from nas.data.errors import DatasetError
from nas.data.opened import MOST_KEPT, Opened


@pytest.fixture
def entry(tmp_path):
    root = tmp_path / "voc"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for name in ("a", "b"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(root / f"JPEGImages/{name}.jpg")
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(root / f"SegmentationClass/{name}.png")
    (root / "ImageSets/Segmentation/train.txt").write_text("a\n")
    (root / "ImageSets/Segmentation/val.txt").write_text("b\n")
    return DatasetEntry(layout="voc2012", root=root)


def test_a_data_set_is_used_again_with_its_key_until_its_time_is_over(entry, tmp_path):
    now = [0.0]
    opened = Opened(lambda: now[0])
    first = opened.of(entry, tmp_path, 60)
    key, half = first.key, first.resized(0.5).key
    (entry.root / "JPEGImages/a.jpg").write_bytes(b"other")
    now[0] = 59.9
    again = opened.of(entry, tmp_path, 60)
    assert again is first
    assert (again.key, again.resized(0.5).key) == (key, half), "the files have not been looked at"
    now[0] = 60.0
    later = opened.of(entry, tmp_path, 60)
    assert later is not first
    assert later.key != key
    assert later.resized(0.5).key != half


def test_without_a_time_it_is_opened_each_time_and_nothing_is_kept(entry, tmp_path):
    opened = Opened(lambda: 0.0)
    assert opened.of(entry, tmp_path, 0) is not opened.of(entry, tmp_path, 0)
    assert opened._kept == {}


def test_what_differs_in_root_or_cache_is_another_data_set(entry, tmp_path):
    opened = Opened(lambda: 0.0)
    first = opened.of(entry, tmp_path, 60)
    assert opened.of(entry, tmp_path / "other", 60) is not first
    with pytest.raises(DatasetError, match="nowhere"):
        opened.of(entry.model_copy(update={"root": tmp_path / "nowhere"}), tmp_path, 60)
    assert opened.of(entry, tmp_path, 60) is first


def test_few_are_kept(entry, tmp_path):
    opened = Opened(lambda: 0.0)
    for number in range(2 * MOST_KEPT + 1):
        opened.of(entry, tmp_path / str(number), 60)
        assert len(opened._kept) <= MOST_KEPT
