"""The choice of validation images to look at, and their pictures."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nas.data.class_maps import read_class_png
from nas.data.crops import CropSource
from nas.data.dataset import Item, LabelTable, SegmentationDataset, Split
from nas.data.errors import DatasetError
from nas.data.examples import choose_rows, examples_key, make_examples, most_varied, picture_size, places, shrink


def test_images_are_chosen_for_the_classes_that_the_others_lack():
    shown = np.array(
        [
            [1, 1, 0, 0, 0],
            [1, 1, 1, 0, 0],  # three classes: the first choice
            [0, 0, 0, 1, 0],  # 1
            [1, 0, 0, 1, 0],  # 1 + 1/2: the second choice; then class 3 is worth 1/2 as well, and class 0 a quarter
            [0, 0, 0, 0, 1],  # the third
            [0, 0, 0, 0, 1],
        ],
        bool,
    )
    assert most_varied(shown, 3) == [1, 3, 4]
    assert most_varied(shown[[1, 1, 0, 0]], 2) == [0, 2]  # and not the neighbour that is alike
    assert sorted(most_varied(shown, 9)) == list(range(6))


@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=12), st.integers(1, 6))
def test_one_image_of_each_stretch(rows, count):
    shown = np.array(rows)
    chosen = most_varied(shown, count)
    assert len(set(chosen)) == len(chosen) == min(count, len(rows))
    assert sorted(index * len(chosen) // len(rows) for index in chosen) == list(range(len(chosen)))
    assert shown[chosen[0]].sum() == shown.sum(1).max()


@pytest.mark.parametrize(
    ("crop", "size"),
    [
        ((64, 128), (64, 128)),
        ((257, 257), (257, 257)),
        ((513, 513), (257, 257)),
        ((769, 769), (193, 193)),
        ((1025, 2049), (129, 257)),
        ((512, 1024), (128, 256)),
        ((512, 512), (256, 256)),
        ((320, 480), (160, 240)),
        ((128, 513), (64, 257)),  # corners lie on corners along one side only, so blocks are used
    ],
)
def test_sizes_of_pictures(crop, size):
    assert picture_size(crop) == size


def test_places_by_hand():
    assert places(5, 3).tolist() == [0, 2, 4]
    assert places(6, 3).tolist() == [1, 3, 5]
    assert places(4, 4).tolist() == [0, 1, 2, 3]
    assert places(4, 1).tolist() == [2]
    label = np.arange(25, dtype=np.uint8).reshape(5, 5)
    assert shrink(label, (3, 3)).tolist() == [[0, 2, 4], [10, 12, 14], [20, 22, 24]]


@pytest.fixture
def dataset(tmp_path: Path) -> SegmentationDataset:
    """Eight images of 8 x 8 pixels: image i is all of class i % 3, the last one has all three."""
    items = []
    for index in range(8):
        label = np.full((8, 8), index % 3, np.uint8)
        if index == 7:
            label[:4, :4], label[:4, 4:], label[4:] = 0, 1, 2
            label[0, 0] = 255
        image = np.full((8, 8, 3), 20 * index, np.uint8)
        item = Item(tmp_path / f"{index}.png", tmp_path / f"{index}-label.png")
        for path, array in zip(item, (image, label), strict=True):
            Image.fromarray(array).save(path)
        items.append(item)
    split = Split("val", tuple(items), LabelTable.identity(3))
    palette = np.array([[9, 0, 0], [0, 9, 0], [0, 0, 9]], np.uint8)
    return SegmentationDataset("folder", tmp_path, ("a", "b", "c"), palette, {"val": split, "train": split})


def test_examples_show_every_class(dataset):
    source = CropSource(dataset.split("val"), 8, (8, 8))
    assert choose_rows(source, 3) == (0, 2, 4, 7)
    assert choose_rows(replace(source, images=3), 3) == (0, 1, 2)
    made = make_examples(source, dataset)
    assert (made.rows, made.size, made.class_names) == ((0, 2, 4, 7), (8, 8), ("a", "b", "c"))
    assert made.colours == ((9, 0, 0), (0, 9, 0), (0, 0, 9))
    assert made.mask_classes == ((0,), (2,), (1,), (2, 1, 0))
    assert np.array_equal(read_class_png(made.masks[3]), dataset.split("val").load_label(7))
    with Image.open(io.BytesIO(made.images[3])) as picture:
        assert np.abs(np.asarray(picture).astype(int) - 140).max() < 4
    assert make_examples(source, dataset) == made
    assert type(made).model_validate_json(made.model_dump_json()) == made


def test_the_key_tells_crops_apart(dataset):
    source = CropSource(dataset.split("val"), 8, (8, 8))
    keys = [
        examples_key(one, dataset)
        for one in (source, replace(source, crop=(4, 8)), replace(source, images=5), replace(source, padding=(1, 2, 3)))
    ]
    keys.append(examples_key(replace(source, images=5, first=3), dataset))
    assert len(set(keys)) == 5
    assert examples_key(CropSource(dataset.split("val"), 8, (8, 8)), dataset) == keys[0]


def test_a_broken_label_map_is_named(dataset):
    source = CropSource(dataset.split("val"), 8, (8, 8))
    source.split.items[3].label.write_bytes(b"broken")
    with pytest.raises(DatasetError, match=r"3-label\.png"):
        make_examples(source, dataset)
