from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.cityscapes import PALETTE, open_cityscapes
from nas.data.inspect import check, inspect, write_mosaic


def small(root: Path) -> Path:
    labels = {"train": [[7, 7, 8, 0], [7, 7, 8, 0]], "val": [[11] * 4] * 2}
    for split, label in labels.items():
        for folder in ("leftImg8bit", "gtFine"):
            (root / folder / split / "ulm").mkdir(parents=True)
        for index in range(3):
            image = np.full((2, 4, 3), 200, np.uint8)
            Image.fromarray(image).save(root / f"leftImg8bit/{split}/ulm/{index}_leftImg8bit.png")
            Image.fromarray(np.array(label, np.uint8)).save(root / f"gtFine/{split}/ulm/{index}_gtFine_labelIds.png")
    return root


def test_shares_are_of_the_labelled_pixels(tmp_path):
    calls = []
    train, val = inspect(open_cityscapes(small(tmp_path)), progress=lambda done, total: calls.append((done, total)))
    assert (train.name, train.items, train.read, train.sizes) == ("train", 3, 3, ((2, 4),))
    assert train.ignored == 0.25
    assert train.shares[:3] == (pytest.approx(2 / 3), pytest.approx(1 / 3), 0.0)
    assert train.images[:3] == (3, 3, 0)
    assert val.shares[2] == 1.0
    assert val.images[2] == 3
    assert calls == [(done, 6) for done in range(1, 7)]


def test_a_sample_is_enough(tmp_path):
    train, _ = inspect(open_cityscapes(small(tmp_path)), images=2)
    assert (train.items, train.read) == (3, 2)


def test_labels_are_judged_and_a_sample_is_called_one(tmp_path):
    dataset = open_cityscapes(small(tmp_path))
    (error,) = (finding for finding in check(dataset, inspect(dataset)) if finding.severity == "error")
    assert error.message.startswith("the validation labels hold the class 'building' alone,")
    (sampled, *_) = check(dataset, inspect(dataset, images=2))
    assert sampled.message.startswith(
        "the validation labels in 2 of 3 training images and 2 of 3 validation images hold"
    )


def test_mosaic_lays_colours_over_images(tmp_path):
    path = tmp_path / "mosaic.png"
    write_mosaic(open_cityscapes(small(tmp_path / "a")), path, columns=2, width=8)
    mosaic = np.asarray(Image.open(path))
    assert mosaic.shape == (2 * 8, 2 * 8, 3)  # two splits of image over overlay, 4 high each; two samples of 8
    assert (mosaic[:4] == 200).all()
    expected = (200 + 3 * PALETTE[0].astype(int)) // 4
    np.testing.assert_array_equal(mosaic[5, 1], expected)
    assert (mosaic[4:8, 6:8] == 0).all()  # ignored
