from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.counts import LabelCounts, count_crops, count_label_maps
from nas.data.crops import CropSource, sample_labels
from nas.data.dataset import DatasetError, Item, LabelTable, Split, Uint8
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


def counted(labels: Iterable[Uint8]) -> LabelCounts:
    """The pixels of label maps, one by one."""
    found = Counter(int(value) for label in labels for value in label.flat)
    return LabelCounts(tuple(found[index] for index in range(CLASSES)), found[255])


def test_what_occurs_and_the_share_of_void():
    counts = LabelCounts((1, 0, 3, 0), 1)
    assert counts.occurring == (0, 2)
    assert counts.void_share == 0.2
    assert LabelCounts((0, 0), 0).void_share == 0


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("augment", [None, AugmentSpec()])
def test_crops_are_counted_as_they_are_trained_on(split, stride, augment):
    source = CropSource(split, 70, (12, 8), 2, augment)
    reports: list[tuple[int, int]] = []
    rows = [label for image in range(70) for label in source.label_views(image)]
    expected = counted(sample_labels(label[None], stride) for label in rows)
    assert count_crops(source, CLASSES, stride, lambda *at: reports.append(at)) == expected
    assert sum(expected.pixels) + expected.void == 140 * (12 * 8 if stride == 1 else 3 * 2)
    assert reports == [(64, 70), (70, 70)]


def test_whole_label_maps(split):
    expected = counted(split.load_label(index) for index in range(3))
    assert count_label_maps(split, 3, CLASSES, 1) == expected
    assert count_label_maps(split, 3, CLASSES, 2).void < expected.void


def test_a_broken_label_map_is_named(split):
    split.items[2].label.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"2\.png is unreadable"):
        count_label_maps(split, 3, CLASSES, 1)
