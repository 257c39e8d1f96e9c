from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.ade20k import open_ade20k
from nas.data.cityscapes import open_cityscapes
from nas.data.dataset import SegmentationDataset
from nas.data.errors import DatasetError
from nas.data.names import image_files, label_of, read_names, stem_of, subfolders
from nas.data.voc2012 import open_voc2012

JUNK = ("._scan.png", ".DS_Store", ".scan.png.swp", "Thumbs.db", "desktop.ini", "notes.txt")


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("scan.png", "scan"),
        ("scan.1.png", "scan.1"),
        ("scan.1", "scan.1"),
        ("IMG_2021.05", "IMG_2021.05"),
        ("A.PNG", "A"),
        ("a.JPEG", "a"),
        ("a.b.TiFf", "a.b"),
        ("a b .png", "a b "),
        (unicodedata.normalize("NFD", "Müller.png"), "Müller"),
    ],
)
def test_only_the_suffix_of_an_image_is_no_part_of_the_stem(name, stem):
    assert stem_of(name) == stem


def test_files_of_other_kinds_and_hidden_ones_are_passed_over(tmp_path):
    folder = touch(tmp_path, *JUNK, "b.JPG", "a.1.png", "a.2.png", "c.tif")
    touch(tmp_path / "d.png")
    assert {stem: path.name for stem, path in image_files(folder).items()} == {
        "a.1": "a.1.png",
        "a.2": "a.2.png",
        "b": "b.JPG",
        "c": "c.tif",
    }
    touch(tmp_path / ".ipynb_checkpoints")
    assert subfolders(tmp_path) == ["d.png"]


@pytest.mark.parametrize("pair", [("a.jpg", "a.png"), ("a.PNG", "a.png"), ("é.png", "e\u0301.png")])
def test_two_files_of_one_stem_are_refused(tmp_path, pair):
    with pytest.raises(DatasetError, match=r"has both .* and .*; one image must have one file"):
        image_files(touch(tmp_path, *pair))


def test_a_folder_that_is_none_is_named(tmp_path):
    for read in (image_files, subfolders):
        with pytest.raises(DatasetError, match=r"gone is not a readable folder \(No such file"):
            read(tmp_path / "gone")


IMAGES = {stem: Path(f"{stem}.jpg") for stem in ("scan", "scan.1", "scan.2", "IMG_2021.05", "my photo", "Müller")}


def names(tmp_path: Path, content: bytes) -> list[str]:
    path = tmp_path / "train.txt"
    path.write_bytes(content)
    return read_names(path, IMAGES, Path("JPEGImages"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"scan.1\nscan.2\n", ["scan.1", "scan.2"]),
        (b"IMG_2021.05", ["IMG_2021.05"]),
        (b"\xef\xbb\xbfscan\r\nscan.1 \r\n\r\n\t\r\n", ["scan", "scan.1"]),
        ("scan\nscan.2\n".encode("utf-16"), ["scan", "scan.2"]),
        (b"scan\rscan.1\r", ["scan", "scan.1"]),
        (b"scan\nscan\nscan.jpg\n", ["scan"]),
        (b"my photo\n", ["my photo"]),
        (b"/JPEGImages/scan.1.jpg /SegmentationClassAug/scan.1.png\n", ["scan.1"]),
        (b"JPEGImages\\scan.1.JPG\n", ["scan.1"]),
        (unicodedata.normalize("NFD", "Müller\n").encode(), ["Müller"]),
    ],
)
def test_lists_as_different_systems_write_them(tmp_path, content, expected):
    assert names(tmp_path, content) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"scan.3\n", r"JPEGImages/scan\.3\.jpg is missing; add it, or take it out of .*train\.txt, which lists it$"),
        (b"SCAN.1\n", r"SCAN\.1\.jpg is missing \(scan\.1\.jpg differs in capital letters\); add"),
        (b"a/scan.3.png\n", r"JPEGImages/scan\.3\.png is missing"),
        (b"scan.1 scan.2\n", r"JPEGImages/scan\.1 scan\.2\.jpg is missing"),
        (b"a/scan.1.jpg b/scan.2.png\n", r"pairs a/scan\.1\.jpg with b/scan\.2\.png, but .* must have one name"),
        (b" \n\r\n", r"train\.txt lists no image"),
        (b"", r"train\.txt lists no image"),
        (b"M\xfcller\n", r"train\.txt is not UTF-8 text \(byte 1\); save it as UTF-8"),
    ],
)
def test_wrong_lists_are_named_with_the_entry(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        names(tmp_path, content)


def test_a_missing_label_map_is_named():
    with pytest.raises(DatasetError, match=r"masks/A\.png is missing \(a\.png differs in capital letters\); add it"):
        label_of("A", Path("A.jpg"), {"a": Path("a.png")}, Path("masks"))


def write(path: Path, values: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4), values, np.uint8)).save(path)


def cityscapes(root: Path, suffix: str) -> SegmentationDataset:
    for split in ("train", "val"):
        for number in (1, 2):
            write(root / f"leftImg8bit/{split}/town/scan.{number}_leftImg8bit{suffix}", 9)
            write(root / f"gtFine/{split}/town/scan.{number}_gtFine_labelIds.png", 7 if number == 1 else 8)
            touch(root / f"leftImg8bit/{split}/.hidden", "x_leftImg8bit.png")
            touch(root / f"leftImg8bit/{split}/town", f"._scan.{number}_leftImg8bit{suffix}", *JUNK)
    return open_cityscapes(root)


def voc2012(root: Path, suffix: str) -> SegmentationDataset:
    for number in (1, 2, 3):
        write(root / f"JPEGImages/scan.{number}{suffix}", 9)
        write(root / f"SegmentationClass/scan.{number}.png", number - 1)
    touch(root / "JPEGImages", f"._scan.1{suffix}", *JUNK)
    lists = touch(root / "ImageSets/Segmentation")
    (lists / "train.txt").write_bytes(b"\xef\xbb\xbfscan.1\r\nscan.2\r\n")
    (lists / "val.txt").write_bytes(b"scan.3")
    return open_voc2012(root)


def ade20k(root: Path, suffix: str) -> SegmentationDataset:
    for split in ("training", "validation"):
        for number in (1, 2):
            write(root / f"images/{split}/scan.{number}{suffix}", 9)
            write(root / f"annotations/{split}/scan.{number}.png", number)
        touch(root / f"images/{split}", f"._scan.1{suffix}", *JUNK)
    return open_ade20k(root)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".tif", ".bmp", ".webp"])
@pytest.mark.parametrize("layout", [cityscapes, voc2012, ade20k])
def test_every_layout_reads_every_format_and_dotted_names(tmp_path, layout, suffix):
    dataset = layout(tmp_path, suffix)
    train = dataset.split("train")
    assert [item.image.name.split("_")[0].removesuffix(suffix) for item in train.items] == ["scan.1", "scan.2"]
    loaded = [train.load(index) for index in range(len(train))]
    assert [int(label[0, 0]) for _, label in loaded] == [0, 1]
    assert all(abs(int(image[0, 0, 0]) - 9) < 3 for image, _ in loaded)
