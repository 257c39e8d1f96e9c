"""Arrangements of folders that people have, and what is asked for where none is seen."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from nas.data.errors import DatasetError
from nas.data.folder.description import FileSplit, FolderSplit, ListSplit, Places, RatioSplit
from nas.data.folder.files import Suffixes
from nas.data.folder.layout import split_pairs
from nas.data.folder.recognise import Hints, find_class_file, recognise

PIXEL = [[0]]
NONE = Suffixes("", "")


def files(*names: str) -> dict[str, object]:
    return dict.fromkeys(names, PIXEL)


def of_splits(train: tuple[str, str], val: tuple[str, str]) -> FolderSplit:
    return FolderSplit(train=Places(images=train[0], masks=train[1]), val=Places(images=val[0], masks=val[1]))


@pytest.mark.parametrize(
    ("names", "split", "suffixes"),
    [
        (
            ("images/train/a.jpg", "images/val/b.jpg", "masks/train/a.png", "masks/val/b.png"),
            of_splits(("images/train", "masks/train"), ("images/val", "masks/val")),
            NONE,
        ),
        (
            ("img_dir/training/a.jpg", "img_dir/validation/b.jpg", "ann_dir/train/a_gt.png", "ann_dir/valid/b_gt.png"),
            of_splits(("img_dir/training", "ann_dir/train"), ("img_dir/validation", "ann_dir/valid")),
            Suffixes("", "_gt"),
        ),
        (
            ("Train/Images/a.bmp", "Train/Labels/a.png", "Val/Images/b.bmp", "Val/Labels/b.png"),
            of_splits(("Train/Images", "Train/Labels"), ("Val/Images", "Val/Labels")),
            NONE,
        ),
        (
            ("train/a.jpg", "train/a_mask.png", "valid/b.jpg", "valid/b_mask.png"),
            of_splits(("train", "train"), ("valid", "valid")),
            Suffixes("", "_mask"),
        ),
        (("imgs/a.jpg", "imgs/b.jpg", "gt/a.png", "gt/b.png"), RatioSplit(images="imgs", masks="gt"), NONE),
        (("a.jpg", "a_L.png", "b.jpg", "b_L.png"), RatioSplit(images=".", masks="."), Suffixes("", "_L")),
    ],
)
def test_arrangements(tree, names, split, suffixes):
    found = recognise(tree(files(*names)), Hints())
    assert (found.split, found.suffixes) == (split, suffixes)
    assert any("NAME" in note for note in found.notes) == (suffixes != NONE)
    assert any("seed 0" in note for note in found.notes) == isinstance(split, RatioSplit)


NESTED = ("images/s/a.jpg", "images/t/u/a.jpg", "masks/s/a_L.png", "masks/t/u/a_L.png")


@pytest.mark.parametrize(
    ("names", "split", "note"),
    [
        (NESTED, RatioSplit(images="images", masks="masks", nested=True), "the images lie in 2 folders below"),
        (
            tuple(f"{split}/{name}" for split in ("train", "val") for name in NESTED),
            FolderSplit(
                train=Places(images="train/images", masks="train/masks", nested=True),
                val=Places(images="val/images", masks="val/masks", nested=True),
            ),
            "val: the images lie in 2 folders below",
        ),
        (("s/a.jpg", "s/a_L.png", "t/b.jpg", "t/b_L.png"), RatioSplit(images=".", masks=".", nested=True), "one video"),
        (
            ("images/a.jpg", "images/b.jpg", "images/old/c.jpg", "masks/a_L.png", "masks/b_L.png"),
            RatioSplit(images="images", masks="masks"),
            "1 images in folders below .*images are not read",
        ),
        (
            ("s/a.jpg", "t/b.jpg", "m/s/a_L.png", "m/t/b_L.png"),
            RatioSplit(images=".", masks="m", nested=True),
            "the images lie in 2 folders",
        ),
    ],
)
def test_images_in_folders_below(tree, names, split, note):
    root = tree(files(*names))
    places = Hints(images=".", masks="m") if names[-1].startswith("m/") else Hints()
    found = recognise(root, places)
    assert (found.split, found.suffixes) == (split, Suffixes("", "_L"))
    assert any(re.search(note, line) for line in found.notes), found.notes
    pairs = [item for items in split_pairs(root, found.split, found.suffixes).values() for item in items]
    assert len(pairs) == len(names) // 2
    for image, mask in pairs:
        assert mask.stem == f"{image.stem}_L"
        folders = [[part for part in path.parent.parts if part in ("s", "t", "u")] for path in (image, mask)]
        assert folders[0] == folders[1]


FLAT = ("images/a.jpg", "images/b.jpg", "masks/a.png", "masks/b.png")
HERE = {"images": "images", "masks": "masks"}


@pytest.mark.parametrize(
    ("more", "hints", "split"),
    [
        ({"train.txt": "a", "val.txt": "b"}, Hints(), ListSplit(**HERE, train="train.txt", val="val.txt")),
        (
            {"ImageSets/Segmentation/train.txt": "a", "ImageSets/Segmentation/val.txt": "b"},
            Hints(),
            ListSplit(**HERE, train="ImageSets/Segmentation/train.txt", val="ImageSets/Segmentation/val.txt"),
        ),
        ({"split.csv": "a,train\nb,val"}, Hints(), FileSplit(**HERE, file="split.csv")),
        ({"mine.csv": "a,train\nb,val"}, Hints(split="mine.csv"), FileSplit(**HERE, file="mine.csv")),
        ({"train.txt": "a", "val.txt": "b"}, Hints(val=0.5, seed=3), RatioSplit(**HERE, val=0.5, seed=3)),
        ({}, Hints(seed=1), RatioSplit(**HERE, val=0.2, seed=1)),
    ],
)
def test_splits_of_one_folder(tree, more, hints, split):
    assert recognise(tree(files(*FLAT) | more), hints).split == split


def test_hints_are_followed(tree):
    root = tree(files("p/a1.jpg", "p/b1.jpg", "q/a1-x.png", "q/b1-x.png", "images/c.jpg", "masks/c.png"))
    found = recognise(root, Hints(images="p", masks="q", mask_suffix="-x"))
    assert (found.split, found.suffixes) == (RatioSplit(images="p", masks="q"), Suffixes("", "-x"))


@pytest.mark.parametrize(
    ("names", "hints", "reason"),
    [
        ((), Hints(), "has no images with masks: `images/` and `masks/`"),
        (("a.jpg", "b.jpg"), Hints(), "--image-folder and --mask-folder name others"),
        (("train/a.jpg", "val/b.jpg"), Hints(), "train has neither `images/` and `masks/`"),
        (("images/train/a.jpg", "masks/train/a.png"), Hints(), "must each have both `train` and `val`"),
        (("images/sub/a.jpg", "masks/.sub/a.png"), Hints(), "no PNG, JPEG, TIFF, BMP or WebP file in .*images"),
        (("images/s/a.jpg", "masks/t/a.png"), Hints(), "s/a in .*images and t/a in .*masks have no name in common"),
        (("images/a.jpg", "masks/b.png"), Hints(), "a in .*images and b in .*masks have no name in common"),
        (FLAT, Hints(images="images"), "belong together"),
        (FLAT, Hints(images="images", masks="none"), "there is no folder .*none"),
        (FLAT, Hints(split="a.csv", val=0.1), "give one"),
    ],
)
def test_what_cannot_be_seen_is_asked_for(tree, names, hints, reason):
    with pytest.raises(DatasetError, match=reason):
        recognise(tree(files(*names)), hints)


def test_absolute_paths_are_written_relative_to_the_root(tree):
    root = tree({**files("set/a.jpg", "set/b.jpg", "labels/a.png", "labels/b.png"), "list.csv": "a,train\nb,val\n"})
    hints = Hints(images=str(root / "set"), masks=str(root / "labels"), split=str(root / "list.csv"))
    found = recognise(root / "set", hints)
    assert found.split == FileSplit(images=".", masks="../labels", file="../list.csv")
    items = split_pairs(root / "set", found.split, found.suffixes)
    assert {name: [item.image.name for item in pairs] for name, pairs in items.items()} == {
        "train": ["a.jpg"],
        "val": ["b.jpg"],
    }


def test_split_folders_and_a_split_option_contradict(tree):
    root = tree(files("images/train/a.jpg", "images/val/b.jpg", "masks/train/a.png", "masks/val/b.png"))
    for change in ({"val": 0.2}, {"split": "s.csv"}):
        with pytest.raises(DatasetError, match="divide the images already"):
            recognise(root, replace(Hints(), **change))


def test_class_files_are_found_by_name(tree):
    root = tree({"Classes.CSV": "a\nb", "readme.txt": "x"})
    assert find_class_file(root) == root / "Classes.CSV"
    (root / "Classes.CSV").unlink()
    assert find_class_file(root) is None
