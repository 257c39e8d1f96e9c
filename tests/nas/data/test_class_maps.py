"""Class maps as pictures, by hand."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from nas.data.class_maps import class_png, classes_by_area, colour, photo_jpeg, read_class_png

PALETTE = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
CLASSES = np.array([[0, 1, 255], [1, 1, 255]], np.uint8)


def test_colours_by_hand():
    assert colour(CLASSES, PALETTE)[0].tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0]]


def test_a_png_holds_the_classes_and_shows_their_colours():
    content = class_png(CLASSES, PALETTE)
    assert np.array_equal(read_class_png(content), CLASSES)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "PNG"
        assert np.array_equal(np.asarray(picture.convert("RGB")), colour(CLASSES, PALETTE))


def test_a_photograph_is_shrunk_to_its_size():
    image = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    with Image.open(io.BytesIO(photo_jpeg(image, (20, 30)))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (30, 20))
        assert np.abs(np.asarray(picture).astype(int) - [200, 100, 50]).max() < 6


def test_classes_by_area_without_what_is_ignored():
    assert classes_by_area(CLASSES) == (1, 0)
    assert classes_by_area(np.full((2, 2), 255, np.uint8)) == ()
    assert classes_by_area(np.array([[3, 2]], np.uint8)) == (2, 3)  # equal ones by their index
