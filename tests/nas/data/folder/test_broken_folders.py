"""Folders of one's own that are broken in the ways of cameras, tools and people: file, cause and remedy are named."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from nas.data.errors import DatasetError
from nas.data.inspect import inspect
from nas.data.recognise import FolderOptions, recognise
from nas.data.registry import open_dataset

IMAGE = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
WIDE = IMAGE[..., 0].astype(np.uint16)
MASK = np.repeat(np.array([[0, 1, 2, 255]], np.uint8), 8, 0).repeat(2, 1)


def good() -> dict[str, object]:
    return {f"{kind}s/{stem}.png": pixels for stem in "abcd" for kind, pixels in (("image", IMAGE), ("mask", MASK))}


def use(root, options=None) -> tuple[str, ...]:
    """Do what `segnas data add` does, and return what it says."""
    found = recognise(root, options)
    inspect(open_dataset(found.registration))
    return found.notes


def test_the_folder_is_good_before_it_is_broken(tree):
    assert not any("neither split" in note for note in use(tree(good())))


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        ({"masks/a.png": Image.fromarray(MASK).convert("RGBA").resize((4, 4))}, ("a.png", "4x4", "must have one size")),
        ({"masks/a.png": MASK[:, :4]}, ("masks/a.png is 8x4", "a.png is 8x8", "both must have one size")),
        ({"masks/a.png": Image.new("RGBA", (8, 8))}, ("masks/a.png", "transparent pixels", "without an alpha channel")),
        (
            {"masks/a.png": Image.fromarray(WIDE * 300)},
            ("masks/a.png", "16-bit", "8-bit grey"),
        ),
        ({"images/a.png": Image.fromarray(WIDE)}, ("images/a.png", "16-bit", "convert it")),
        ({"masks/a.png": "text"}, ("masks/a.png", "not PNG, JPEG", "save it as one of these")),
        ({"images/a.png": ""}, ("images/a.png", "empty (0 bytes)", "copy it again")),
        ({"images/e.png": IMAGE}, ("no mask e.* in", "for the image e.png", "add it")),
        ({"images/a.jpg": IMAGE}, ("both a.jpg and a.png", "one image must have one file")),
        ({"classes.txt": "x\ny\n"}, ("hold 3 values (0, 1, 2)", "classes.txt names 2 classes", "--reduce-zero-label")),
        ({"classes.csv": "x,#000000\ny\nz\n"}, ("classes.csv gives a colour for 1 of 3 classes", "give all or none")),
        ({"train.txt": "a\nb\n", "val.txt": "b\n"}, ("b is in training and in validation", "must differ")),
        ({"split.csv": "a,train\nq,val\n"}, ("no image q", "split.csv")),
    ],
)
def test_a_broken_folder_is_refused(tree, files, parts):
    root = tree({**good(), **files})
    with pytest.raises(DatasetError) as caught:
        use(root)
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert "\n" not in message
    assert not re.search(r"Errno|0x[0-9a-f]{6}|codec", message)


def test_masks_that_lose_values(tree):
    root = tree({f"images/{stem}.png": IMAGE for stem in "ab"} | {f"masks/{stem}.jpg": MASK for stem in "ab"})
    with pytest.raises(DatasetError, match=r"masks/[ab]\.jpg is a JPEG file compressed with loss"):
        use(root)


def test_what_is_left_out_is_said(tree):
    root = tree({**good(), "masks/z.png": MASK})
    assert f"masks that are in neither split: 1, the first is {root / 'masks/z.png'}" in use(root)
    tree({"split.csv": "a,train\nb,val\n"})
    notes = use(root)
    assert f"images that are in neither split: 2, the first is {root / 'images/c.png'}" in notes
    assert f"masks that are in neither split: 3, the first is {root / 'masks/c.png'}" in notes


def test_a_class_that_few_masks_have_is_not_missed(tree):
    """All masks are read, not a sample: a value of a single pixel is a class."""
    rare = MASK.copy()
    rare[0, 0] = 9
    names = tree({**good(), "masks/d.png": rare})
    registration = recognise(names, FolderOptions(layout="folder")).registration
    assert open_dataset(registration).class_names == ("class 0", "class 1", "class 2", "class 9")
