from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.counts import LabelCounts, count_crops, count_label_maps, count_labels
from nas.data.crops import CropSource, sample_labels
from nas.data.dataset import DatasetError, Item, LabelTable, Split
from nas.specs import AugmentSpec

CLASSES = 3


@pytest.fixture
def split(tmp_path) -> Split:
    """70 label maps and not one image, so that a count that reads images fails."""
    rng = np.random.default_rng(0)
    items = []
    for index in range(70):
        path = tmp_path / f"{index}.png"
        Image.fromarray(rng.choice(np.array([0, 1, 2, 255], np.uint8), (9, 14))).save(path)
        items.append(Item(Path("no image"), path))
    return Split("train", tuple(items), LabelTable.identity(CLASSES))


def test_counts_by_hand():
    counts = count_labels([np.array([0, 2, 2, 255], np.uint8), np.array([[2]], np.uint8)], 4)
    assert counts == LabelCounts((1, 0, 3, 0), 1)
    assert counts.occurring == (0, 2)
    assert counts.void_share == 0.2
    assert count_labels([], 2).void_share == 0


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("augment", [None, AugmentSpec()])
def test_crops_are_counted_as_they_are_trained_on(split, stride, augment):
    source = CropSource(split, 70, (12, 8), 2, augment)
    reports: list[tuple[int, int]] = []
    rows = [label for image in range(70) for label in source.label_views(image)]
    expected = count_labels((sample_labels(label[None], stride) for label in rows), CLASSES)
    assert count_crops(source, CLASSES, stride, lambda *at: reports.append(at)) == expected
    assert sum(expected.pixels) + expected.void == 140 * (12 * 8 if stride == 1 else 3 * 2)
    assert reports == [(64, 70), (70, 70)]


def test_whole_label_maps(split):
    expected = count_labels([split.load_label(index) for index in range(3)], CLASSES)
    assert count_label_maps(split, 3, CLASSES, 1) == expected
    assert count_label_maps(split, 3, CLASSES, 2).void < expected.void


def test_a_broken_label_map_is_named(split):
    split.items[2].label.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"2\.png is unreadable"):
        count_label_maps(split, 3, CLASSES, 1)
