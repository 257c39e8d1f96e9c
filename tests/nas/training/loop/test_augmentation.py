"""Augmentation by real pipelines of albumentations, read from files."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.dataset import IGNORE
from nas.training.loop.augmentation import read_augmentation

CROP = (48, 64)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Write a pipeline to a file, as a user does."""
    folder = tmp_path_factory.mktemp("pipelines")

    def write(*transforms: A.BasicTransform, suffix: Literal["json", "yaml"] = "json") -> Path:
        path = folder / f"{len(list(folder.iterdir()))}.{suffix}"
        A.save(A.Compose(list(transforms)), str(path), data_format=suffix)
        return path

    return write


@pytest.fixture(scope="module")
def varied(file):
    return file(A.Affine(rotate=(-40, 40), p=0.8), A.RandomBrightnessContrast(p=0.5), A.GaussNoise(p=0.5))


def crop(seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, CROP, dtype=np.uint8)
    label[:4] = IGNORE
    return rng.integers(0, 256, (*CROP, 3), dtype=np.uint8), label


def test_a_mirrored_crop(file):
    image, label = crop()
    augmented, labels = read_augmentation(file(A.HorizontalFlip(p=1)), CROP).apply(image, label, 0)
    assert np.array_equal(augmented, image[:, ::-1])
    assert np.array_equal(labels, label[:, ::-1])


def test_what_lies_outside_of_the_crop_does_not_count(file):
    """Moved right by a quarter: albumentations itself would call the new pixels class 0."""
    path = file(A.Affine(translate_px={"x": (16, 16), "y": (0, 0)}, p=1))
    image, label = crop()
    _, labels = read_augmentation(path, CROP).apply(image, label, 0)
    assert (labels[:, :16] == IGNORE).all()
    assert np.array_equal(labels[:, 16:], label[:, :-16])
    direct = A.load(path)(image=image, mask=label)["mask"]
    assert (direct[:, :16] == 0).all()


def test_what_is_filled_in_a_mask_does_not_count(file):
    hole = A.CoarseDropout((1, 1), (10, 10), (10, 10), fill_mask=1, p=1)
    image, label = crop()
    _, labels = read_augmentation(file(hole), CROP).apply(image, label, 0)
    assert (labels[4:] == IGNORE).sum() in range(50, 101)  # the hole may lie in the ignored rows in part


def test_the_same_seed_gives_the_same_result_in_any_thread_and_order(varied):
    augmentation = read_augmentation(varied, CROP)
    image, label = crop()
    seeds = [*range(12)] * 3
    alone = [augmentation.apply(image, label, seed) for seed in seeds]
    np.random.seed(1)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: augmentation.apply(image, label, seed), seeds[::-1]))[::-1]
    for one, other in zip(alone, together, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert len({image.tobytes() for image, _ in alone}) >= 8  # a pipeline may choose to do nothing


@given(seed=st.integers(0, 2**32 - 1))
def test_labels_are_those_of_the_crop_or_void(varied, seed):
    image, label = crop()
    augmented, labels = read_augmentation(varied, CROP).apply(image, label, seed)
    assert augmented.dtype == labels.dtype == np.uint8
    assert (augmented.shape, labels.shape) == (image.shape, label.shape)
    assert set(np.unique(labels)) <= {0, 1, 2, IGNORE}


def test_the_key_is_that_of_the_pipeline_not_of_the_file(file, varied):
    parts = A.Affine(rotate=(-40, 40), p=0.8), A.RandomBrightnessContrast(p=0.5), A.GaussNoise(p=0.5)
    key = read_augmentation(varied, CROP).key
    assert read_augmentation(file(*parts, suffix="yaml"), CROP).key == key
    assert read_augmentation(file(*parts[:2]), CROP).key != key


@pytest.mark.parametrize(
    ("transform", "says"),
    [
        (A.Resize(10, 10, p=1), "changes a crop's image from 48x64x3 to 10x10x3: leave out crops and resizes"),
        (A.Normalize(p=1), "must return the image as 8-bit numbers, not float32: leave out Normalize"),
        (A.CenterCrop(500, 500, p=1), "the pipeline fails on a crop"),
    ],
)
def test_a_pipeline_that_does_not_keep_crops(file, transform, says):
    with pytest.raises(ValueError, match=says):
        read_augmentation(file(transform), CROP)


def test_interpolated_masks_are_refused(file):
    path = file(A.Affine(rotate=(30, 30), mask_interpolation=1, p=1))
    augmentation = read_augmentation(path, CROP)
    image, _ = crop()
    label = np.where(np.indices(CROP).sum(0) % 8 < 4, 0, 20).astype(np.uint8)
    with pytest.raises(ValueError, match="do not interpolate masks"):
        augmentation.apply(image, label, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "holds no pipeline: write it by albumentations.save"),
        ("[1", "neither JSON nor YAML"),
        ('{"transform": {"__class_fullname__": "os.system", "p": 1}}', "'os.system' is no transform of albumentations"),
        ('{"transform": {"__class_fullname__": "Affine", "p": 1, "rotatee": 3}}', "rotatee"),
        ('{"transform": {"__class_fullname__": "Affine", "p": 1, "rotate": "far"}}', "cannot be built"),
    ],
)
def test_a_file_that_is_no_pipeline(tmp_path, text, says):
    path = tmp_path / "pipeline.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=says) as raised:
        read_augmentation(path, CROP)
    assert "\n" not in str(raised.value)


def test_a_single_transform_is_a_pipeline_too(tmp_path):
    (tmp_path / "flip.json").write_text(json.dumps(A.to_dict(A.VerticalFlip(p=1))))
    image, label = crop()
    augmented, _ = read_augmentation(tmp_path / "flip.json", CROP).apply(image, label, 0)
    assert np.array_equal(augmented, image[::-1])
