"""Images read at another size: what half size means, and that nothing else about a data set changes."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from nas.data.dataset import Item, LabelTable, SegmentationDataset, Split
from nas.data.resizing import resize_image, resize_label


def test_half_size_by_hand():
    """Bilinear at one half is the mean of a pixel's neighbourhood on a ramp; labels are never mixed."""
    ramp = np.repeat(np.arange(0, 80, 10, dtype=np.uint8)[None, :, None], 3, 2).repeat(4, 0)
    label = np.array([[0, 0, 0, 0, 9, 9, 9, 9]] * 4, np.uint8)
    image, classes = resize_image(ramp, 0.5), resize_label(label, 0.5)
    assert image.shape == (2, 4, 3)
    # A triangle four pixels wide has weights 1, 3, 3, 1: around 15 this is (0 + 3 * 10 + 3 * 20 + 30) / 8 = 15 on a
    # ramp; at the border only three weights are inside: (3 * 0 + 3 * 10 + 20) / 7 = 7.1.
    assert image[0, :, 0].tolist() == [7, 25, 45, 63]
    assert classes.tolist() == [[0, 0, 9, 9]] * 2


def test_the_same_size_is_the_same_arrays():
    image, label = np.zeros((5, 7, 3), np.uint8), np.zeros((5, 7), np.uint8)
    assert resize_image(image, 1.0) is image
    assert resize_label(label, 1.0) is label
    assert resize_label(label, 0.01).shape == (1, 1)


@pytest.fixture
def dataset(tmp_path):
    rng = np.random.default_rng(0)
    for name, mode in (("image.png", (8, 12, 3)), ("label.png", (8, 12))):
        Image.fromarray(rng.integers(0, 3, mode, dtype=np.uint8)).save(tmp_path / name)
    items = (Item(tmp_path / "image.png", tmp_path / "label.png"),)
    table = LabelTable.of({value: value for value in range(3)})
    splits = {name: Split(name, items, table) for name in ("train", "val")}
    palette = np.zeros((3, 3), np.uint8)
    return SegmentationDataset("folder", tmp_path, ("a", "b", "c"), palette, splits, splits["train"])


def test_every_split_is_read_at_that_size_and_has_a_key_of_its_own(dataset):
    half = dataset.resized(0.5)
    for split, whole in ((half.split("val"), dataset.split("val")), (half.appearance, dataset.appearance)):
        image, label = split.load(0)
        assert (image.shape, label.shape) == ((4, 6, 3), (4, 6))
        whole_image, whole_label = whole.load(0)
        assert np.array_equal(image, resize_image(whole_image, 0.5))
        assert np.array_equal(label, resize_label(whole_label, 0.5))
        assert np.array_equal(split.load_label(0), label)
    assert len({half.key, dataset.key, dataset.resized(0.25).key}) == 3


def test_full_size_is_the_data_set_itself(dataset):
    assert dataset.resized(1.0) is dataset
    assert dataset.resized(0.5).resized(1.0).key == replace(dataset).key == dataset.key
