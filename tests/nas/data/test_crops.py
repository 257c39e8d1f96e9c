"""The rows of a source of crops, their batches and their sampled labels, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nas.data.crops import CropSource, crop_batches, sample_labels
from nas.specs import AugmentSpec
from tests.nas.data.splits import write_split


@pytest.fixture
def split(tmp_path):
    return write_split(tmp_path, 5)


@pytest.mark.parametrize("augment", [AugmentSpec(), None])
def test_label_views_are_the_labels_of_the_rows(split, augment):
    source = CropSource(split, 5, (12, 40), 3, augment)  # cut above, padded sideways
    for image in range(5):
        views = list(source.label_views(image))
        assert len(views) == 3
        for view, label in enumerate(views):
            assert np.array_equal(label, source.row(view * 5 + image)[1])


def test_labels_are_taken_at_cell_centres_by_hand():
    labels = np.arange(8 * 8, dtype=np.uint8).reshape(1, 8, 8)
    assert sample_labels(labels, 4).tolist() == [[[18, 22], [50, 54]]]  # rows 2 and 6, columns 2 and 6
    assert sample_labels(labels, 1) is labels
    corners = np.arange(9 * 9, dtype=np.uint8).reshape(1, 9, 9)
    assert sample_labels(corners, 4)[0].tolist() == [[0, 4, 8], [36, 40, 44], [72, 76, 80]]


def test_batches_keep_the_order_and_the_rest(split):
    source = CropSource(split, 5, (16, 32))
    batches = list(crop_batches(source, [4, 0, 2], 2))
    assert [done for done, _ in batches] == [2, 3]
    assert np.array_equal(batches[0][1][0][1], split.load(0)[0])
    assert list(crop_batches(source, [], 2)) == []
