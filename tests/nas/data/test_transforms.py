from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.transforms import MEAN_PIXEL, train_crop, val_crop
from nas.specs import AugmentSpec

PLAIN = AugmentSpec(scale=(1, 1), flip=False)


def numbered(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """An image whose red is the row and green the column, and a label of row * 16 + column."""
    rows, columns = np.indices((height, width)).astype(np.uint8)
    return np.stack([rows, columns, np.zeros_like(rows)], -1), rows * np.uint8(16) + columns


def test_val_crop_takes_the_middle():
    image, label = numbered(6, 9)
    cropped, labels = val_crop(image, label, (2, 4))
    assert labels.tolist() == [[34, 35, 36, 37], [50, 51, 52, 53]]
    assert cropped[..., 0].tolist() == [[2] * 4, [3] * 4]
    assert cropped[0, :, 1].tolist() == [2, 3, 4, 5]


def test_val_crop_pads_evenly_with_mean_and_ignore():
    image, label = numbered(1, 2)
    padded, labels = val_crop(image, label, (4, 3))
    assert labels.tolist() == [[255] * 3, [0, 1, 255], [255] * 3, [255] * 3]
    assert tuple(padded[0, 0]) == MEAN_PIXEL
    assert padded[1, 1].tolist() == [0, 1, 0]
    assert tuple(val_crop(image, label, (4, 3), (1, 2, 3))[0][0, 0]) == (1, 2, 3)


def test_val_crop_is_the_image_when_the_size_is_right():
    image, label = numbered(4, 5)
    same, labels = val_crop(image, label, (4, 5))
    np.testing.assert_array_equal(same, image)
    np.testing.assert_array_equal(labels, label)


def test_train_crop_without_augmentation_is_a_window_or_the_padded_image():
    image, label = numbered(6, 9)
    same, labels = train_crop(image, label, (6, 9), PLAIN, np.random.default_rng(0))
    np.testing.assert_array_equal(same, image)
    np.testing.assert_array_equal(labels, label)
    padded, labels = train_crop(image, label, (7, 9), PLAIN, np.random.default_rng(0))
    assert (labels[6] == 255).all()
    assert tuple(padded[6, 0]) == MEAN_PIXEL
    padded, _ = train_crop(image, label, (7, 9), PLAIN, np.random.default_rng(0), padding=(1, 2, 3))
    assert tuple(padded[6, 0]) == (1, 2, 3)


def test_every_window_position_occurs():
    image, label = numbered(3, 4)
    rng = np.random.default_rng(1)
    corners = {int(train_crop(image, label, (2, 2), PLAIN, rng)[1][0, 0]) for _ in range(200)}
    assert corners == {0, 1, 2, 16, 17, 18}


def test_flip_and_scale():
    image, label = numbered(4, 4)
    flips = [
        train_crop(image, label, (4, 4), AugmentSpec(scale=(1, 1)), np.random.default_rng(s))[1][0].tolist()
        for s in range(20)
    ]
    assert {tuple(f) for f in flips} == {(0, 1, 2, 3), (3, 2, 1, 0)}
    doubled, labels = train_crop(image, label, (8, 8), AugmentSpec(scale=(2, 2), flip=False), np.random.default_rng(0))
    np.testing.assert_array_equal(labels, label.repeat(2, 0).repeat(2, 1))
    assert doubled.shape == (8, 8, 3)


@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    crop=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    scale=st.tuples(st.floats(0.3, 1), st.floats(1, 2)),
    seed=st.integers(0, 2**32 - 1),
)
def test_train_crop_has_the_crops_size_and_repeats(size, crop, scale, seed):
    image, label = numbered(*size)
    first, second = (
        train_crop(image, label, crop, AugmentSpec(scale=scale), np.random.default_rng(seed)) for _ in range(2)
    )
    assert first[0].shape == (*crop, 3)
    assert first[1].shape == crop
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert set(np.unique(first[1])) <= {*np.unique(label), 255}
    assert first[0].flags.writeable


@pytest.mark.parametrize("other", [AugmentSpec(scale=(1, 1)), PLAIN])
def test_one_setting_does_not_change_what_the_others_draw(other):
    image, label = numbered(8, 16)
    kept = train_crop(image, label, (2, 2), other, np.random.default_rng(5))[1][0, 0] // 16
    plain = train_crop(image, label, (2, 2), PLAIN, np.random.default_rng(5))[1][0, 0] // 16
    assert kept == plain  # the row: a flip moves columns only
