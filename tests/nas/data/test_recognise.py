"""Which layout a folder has: one that fixes its classes, or any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.dataset import IGNORE
from nas.data.entry import DatasetEntry
from nas.data.errors import DatasetError
from nas.data.folder.description import FolderDataset
from nas.data.folder.meaning import Wishes
from nas.data.recognise import FolderOptions, recognise
from nas.data.registry import open_dataset

COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)


def photographs(root: Path, count: int = 10) -> Path:
    """Photographs as JPEG and PNG with RGB masks, and the classes' colours in a file."""
    for index in range(count):
        label = np.full((4, 6), index % 3, np.uint8)
        label[0, 0] = 0
        for folder in ("images", "masks"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(COLOURS[label]).save(root / "images" / f"p.{index}.{('jpg', 'png', 'webp')[index % 3]}")
        Image.fromarray(COLOURS[label]).save(root / "masks" / f"p.{index}_mask.png")
    (root / "classes.csv").write_text("name,r,g,b\nground,0,0,0\ncar,255,0,0\nsea,0,0,255\n")
    return root


def test_photographs_with_rgb_masks(tmp_path):
    calls = []
    found = recognise(photographs(tmp_path), progress=lambda done, total: calls.append((done, total)))
    assert isinstance(found.registration, FolderDataset)
    dataset = open_dataset(found.registration)
    assert dataset.class_names == ("ground", "car", "sea")
    assert dataset.palette.tolist() == COLOURS.tolist()
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 8, "val": 2}
    for split in dataset.splits.values():
        for index, item in enumerate(split.items):
            expected = int(item.image.stem.rsplit(".", 1)[1]) % 3
            assert split.load(index)[1][1:].tolist() == [[expected] * 6] * 3
    assert calls[-1] == (10, 10)
    assert f"classes as {tmp_path / 'classes.csv'} names them" in found.notes


def test_binary_masks(tmp_path):
    for split in ("train", "val"):
        for folder, suffix in (("images", ""), ("masks", "_mask")):
            (tmp_path / folder / split).mkdir(parents=True)
            Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / folder / split / f"{split}{suffix}.png")
    dataset = open_dataset(recognise(tmp_path).registration)
    assert dataset.split("val").load(0)[1].tolist() == [[0, 1]]
    # The user may mean the convention instead: then one class is left, which is refused.
    with pytest.raises(DatasetError, match=r"hold 1 class .labels"):
        recognise(tmp_path, FolderOptions(wishes=Wishes(ignore=(255,))))


def test_one_bit_and_palette_masks_are_values(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for stem in "ab":
        Image.fromarray(np.zeros((1, 3), np.uint8)).save(tmp_path / f"images/{stem}.tif")
    Image.fromarray(np.array([[True, False, True]])).save(tmp_path / "masks/a.png")
    palette = Image.fromarray(np.array([[2, 255, 0]], np.uint8))
    palette.putpalette(list(range(256)) * 3)
    palette.save(tmp_path / "masks/b.png")
    dataset = open_dataset(recognise(tmp_path).registration)
    found = {item.image.stem: split.load(0)[1].tolist() for split in dataset.splits.values() for item in split.items}
    assert found == {"a": [[1, 0, 1]], "b": [[2, IGNORE, 0]]}


@pytest.mark.parametrize(
    ("folder", "layout"),
    [
        ("leftImg8bit", "cityscapes"),
        ("annotations/training", "ade20k"),
        ("ImageSets/Segmentation", "voc2012"),
        ("VOC2012", "voc2012"),
        ("VOCdevkit", "voc2012"),
    ],
)
def test_layouts_that_fix_their_classes(tmp_path, folder, layout):
    (tmp_path / folder).mkdir(parents=True)
    found = recognise(tmp_path)
    assert found.registration == DatasetEntry(layout=layout, root=tmp_path)
    assert f"the folders are those of {layout}" in found.notes[0]
    with pytest.raises(DatasetError, match=f"the layout {layout} fixes folders and classes"):
        recognise(tmp_path, FolderOptions(layout=layout, read="values"))


def test_own_classes_make_an_own_layout(tmp_path):
    (photographs(tmp_path) / "ImageSets/Segmentation").mkdir(parents=True)
    assert isinstance(recognise(tmp_path).registration, FolderDataset)
    (tmp_path / "classes.csv").rename(tmp_path / "mine.csv")
    assert isinstance(recognise(tmp_path).registration, DatasetEntry)
    own = recognise(tmp_path, FolderOptions(classes=tmp_path / "mine.csv")).registration
    assert isinstance(own, FolderDataset)
    assert own.class_names == ("ground", "car", "sea")
    unnamed = recognise(tmp_path, FolderOptions(layout="folder")).registration
    assert isinstance(unnamed, FolderDataset)
    assert unnamed.class_names == ("class 0", "class 1", "class 2")


def test_no_folder(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no folder .*none"):
        recognise(tmp_path / "none")
