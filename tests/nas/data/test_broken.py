"""Broken data sets: each is refused with the file, the cause and the remedy, and none gives a score.

A case is a small data set in one of the layouts that is good but for one thing. What a user would see is the first
error of opening it, of reading all its files, or of judging its labels, which are what a preparation does.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nas.data.check import refuse_errors
from nas.data.errors import DatasetError
from nas.data.inspect import check, inspect
from nas.data.recognise import recognise
from nas.data.registry import open_dataset

Break = Callable[[Path], None]

IMAGE, MASK = "JPEGImages/val.1.jpg", "SegmentationClass/val.1.png"
"""The files of the VOC data set that most cases break."""


def save(path: Path, pixels: Any, mode: str | None = None, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels))
    (image if mode is None else image.convert(mode)).save(path, **options)


def mask(*values: int) -> np.ndarray:
    """A label map of 12x16 with equal vertical bands of these values."""
    return np.ones((12, 1), np.uint8) * np.repeat(np.array(values, np.uint8), 16 // len(values))


COLOURS = np.arange(12 * 16 * 3, dtype=np.uint8).reshape(12, 16, 3)


def voc2012(root: Path) -> None:
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    for split in ("train", "val"):
        for number in (1, 2):
            save(root / f"JPEGImages/{split}.{number}.jpg", COLOURS)
            save(root / f"SegmentationClass/{split}.{number}.png", mask(0, 5, 20, 255))
        (root / f"ImageSets/Segmentation/{split}.txt").write_text(f"{split}.1\n{split}.2\n")


def cityscapes(root: Path) -> None:
    for split in ("train", "val"):
        save(root / f"leftImg8bit/{split}/town/a_leftImg8bit.png", COLOURS)
        save(root / f"gtFine/{split}/town/a_gtFine_labelIds.png", mask(7, 11, 23, 26))


def ade20k(root: Path) -> None:
    for split in ("training", "validation"):
        save(root / f"images/{split}/a.jpg", COLOURS)
        save(root / f"annotations/{split}/a.png", mask(0, 1, 2, 150))


def image_as(name: str, pixels: Any, mode: str | None = None, **options: Any) -> Break:
    """Write the image of the case in another form."""

    def change(root: Path) -> None:
        (root / IMAGE).unlink()
        save(root / name, pixels, mode, **options)

    return change


def mask_as(name: str, pixels: Any, mode: str | None = None, **options: Any) -> Break:
    """Write the label map of the case in another form."""

    def change(root: Path) -> None:
        (root / MASK).unlink()
        save(root / name, pixels, mode, **options)

    return change


def content(name: str, new: Callable[[bytes], bytes]) -> Break:
    """Change the bytes of a file."""

    def change(root: Path) -> None:
        (root / name).write_bytes(new((root / name).read_bytes()))

    return change


def every_mask(pattern: str, pixels: np.ndarray) -> Break:
    """Write the same label map to all files that fit a pattern."""

    def change(root: Path) -> None:
        found = list(root.glob(pattern))
        assert found
        for path in found:
            save(path, pixels)

    return change


def all_of(*changes: Break) -> Break:
    def change(root: Path) -> None:
        for one in changes:
            one(root)

    return change


def turned(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(root / IMAGE, COLOURS, exif=exif)


def narrow_grey(root: Path) -> None:
    """A PNG of 4 bits a pixel, which Pillow does not write."""
    rows = b"".join(b"\0" + bytes([0x01, 0x23] * 4) for _ in range(12))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 16, 12, 4, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks)
    (root / MASK).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def huge(png: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", 99_999, 99_999, 8, 0, 0, 0, 0)
    return png[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + png[33:]


def pages(root: Path) -> None:
    (root / IMAGE).unlink()
    Image.fromarray(COLOURS).save(
        root / "JPEGImages/val.1.tif", save_all=True, append_images=[Image.fromarray(COLOURS)]
    )


def link_to_nowhere(root: Path) -> None:
    (root / "images/training/a.jpg").unlink()
    (root / "images/training/a.jpg").symlink_to("/mnt/unplugged/a.jpg")


def other_format_beside(root: Path) -> None:
    save(root / "images/training/a.png", COLOURS)


def without(name: str) -> Break:
    return lambda root: (root / name).unlink()


def listed(text: str | bytes) -> Break:
    """Write the list of validation images."""
    data = text.encode() if isinstance(text, str) else text
    return content("ImageSets/Segmentation/val.txt", lambda _: data)


VAL_LIST = "ImageSets/Segmentation/val.txt"
TO_8_BIT = "convert it to 8-bit grey or RGB"
TO_GREY_PNG = "write the class number of each pixel to an 8-bit grey PNG"

# What is broken: (layout, how, file named in the message, cause, remedy).
CASES: dict[str, tuple[Break, Break, str, str, str]] = {
    # Images whose pixels would change.
    "16-bit grey image": (
        voc2012,
        image_as("JPEGImages/val.1.png", COLOURS[..., 0].astype(np.uint16) * 257),
        "val.1.png",
        "is 16-bit PNG in mode I;16",
        TO_8_BIT,
    ),
    "12-bit image in a TIFF": (
        voc2012,
        image_as("JPEGImages/val.1.tif", COLOURS[..., 0].astype(np.uint16) * 16),
        "val.1.tif",
        "is 16-bit TIFF",
        TO_8_BIT,
    ),
    "real numbers": (
        voc2012,
        image_as("JPEGImages/val.1.tif", COLOURS[..., 0].astype(np.float32) / 255),
        "val.1.tif",
        "is 32-bit TIFF in mode F",
        TO_8_BIT,
    ),
    "CMYK": (voc2012, image_as(IMAGE, COLOURS, "CMYK"), "val.1.jpg", "JPEG in mode CMYK", TO_8_BIT),
    "see-through image": (
        voc2012,
        image_as("JPEGImages/val.1.png", np.dstack([COLOURS, COLOURS[..., 0]])),
        "val.1.png",
        "has transparent pixels",
        "save it without an alpha channel",
    ),
    "several pages": (voc2012, pages, "val.1.tif", "holds 2 pages or frames", "save each as a file of its own"),
    "turned photograph": (
        voc2012,
        turned,
        "SegmentationClass/val.1.png is 12x16 but its image val.1.jpg is 16x12",
        "EXIF orientation 6",
        "remove the orientation (exiftool -Orientation= val.1.jpg)",
    ),
    # Label maps whose values would change.
    "JPEG label map": (
        voc2012,
        mask_as("SegmentationClass/val.1.jpg", mask(0, 5, 20, 255)),
        "val.1.jpg",
        "compressed with loss",
        "export it from its source again as PNG",
    ),
    "colours instead of class numbers": (voc2012, mask_as(MASK, COLOURS), "val.1.png", "PNG in mode RGB", TO_GREY_PNG),
    "4-bit grey": (voc2012, narrow_grey, "val.1.png", "is 4-bit PNG in mode L", TO_GREY_PNG),
    "numbers above 255": (
        voc2012,
        mask_as(MASK, mask(0, 1).astype(np.uint16) * 1000),
        "val.1.png",
        "with values from 0 to 1000",
        TO_GREY_PNG,
    ),
    "another size": (
        voc2012,
        mask_as(MASK, mask(0, 1)[:6]),
        "val.1.png is 6x16 but its image val.1.jpg is 12x16",
        "(height x width)",
        "both must have one size",
    ),
    "unknown class": (
        voc2012,
        mask_as(MASK, mask(0, 21)),
        "val.1.png",
        "label values [21] are not in this layout's label table",
        "which has 0 to 20 and 255; write one of these",
    ),
    # Files that are damaged or no images.
    "cut short": (voc2012, content(IMAGE, lambda b: b[: len(b) - 30]), "val.1.jpg", "cut short", "copy it again"),
    "empty file": (voc2012, content(MASK, lambda _: b""), "val.1.png", "is empty (0 bytes)", "copy it again"),
    "web page under the name of an image": (
        voc2012,
        content(IMAGE, lambda _: b"<!DOCTYPE html><title>404</title>"),
        "val.1.jpg",
        "its content is not PNG, JPEG, TIFF, BMP or WebP",
        "save it as one of these",
    ),
    "note of Git LFS": (
        voc2012,
        content(IMAGE, lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        "val.1.jpg",
        "it is Git LFS's note of a file",
        "run git lfs pull",
    ),
    "bomb": (voc2012, content(MASK, huge), "val.1.png", "too many pixels", "cut it into tiles"),
    # Names.
    "image that is not there": (
        voc2012,
        listed("val.1\nval.3\n"),
        "JPEGImages/val.3.jpg is missing",
        "val.txt, which lists it",
        "add it, or take it out",
    ),
    "name in capital letters": (
        voc2012,
        listed("VAL.1\n"),
        "JPEGImages/VAL.1.jpg is missing",
        "val.1.jpg differs in capital letters",
        "add it, or take it out",
    ),
    "list in Latin-1": (voc2012, listed(b"gr\xfcn\n"), VAL_LIST, "is not UTF-8 text", "save it as UTF-8"),
    "image in both splits": (
        voc2012,
        listed("train.1\n"),
        "train.txt lists train.1",
        "which is also in val.txt",
        "the splits must differ",
    ),
    "label map that is not there": (
        ade20k,
        without("annotations/training/a.png"),
        "annotations/training/a.png",
        "is missing",
        "add it, or take image",
    ),
    "two files of one image": (
        ade20k,
        other_format_beside,
        "images/training has both a.jpg and a.png",
        "one image",
        "must have one file",
    ),
    "link to nowhere": (ade20k, link_to_nowhere, "images/training/a.jpg", "image", "is missing"),
    # Labels on which a score means nothing.
    "binary masks of 0 and 255": (
        voc2012,
        every_mask("SegmentationClass/*.png", mask(0, 255)),
        "data set it",
        "hold the class 'background' alone and up to 50% of their pixels are void",
        "map that number to class 1",
    ),
    "void validation": (
        ade20k,
        every_mask("annotations/validation/*.png", mask(0)),
        "data set it",
        "every pixel of the validation labels is void",
        "no class occurs",
    ),
    "one class": (
        cityscapes,
        every_mask("gtFine/train/*/*.png", mask(7)),
        "data set it",
        "the training labels hold the class 'road' alone",
        "at least two classes must occur",
    ),
    "training ids": (
        cityscapes,
        every_mask("gtFine/*/*/*.png", mask(0, 1, 10, 13)),
        "data set it",
        "seem to hold training ids (0 to 18)",
        "use the original label maps",
    ),
    "training ids with void": (
        cityscapes,
        every_mask("gtFine/*/*/*.png", mask(0, 8, 13, 255, 255, 255, 255, 255)),
        "data set it",
        "seem to hold training ids (0 to 18)",
        "use the original label maps",
    ),
}


def used(root: Path) -> None:
    """Open the data set, read all of it and judge its labels."""
    dataset = open_dataset(recognise(root).registration)
    refuse_errors(check(dataset, inspect(dataset)), "it")


@pytest.mark.parametrize("layout", [voc2012, cityscapes, ade20k])
def test_the_data_sets_are_good_before_they_are_broken(tmp_path, layout):
    layout(tmp_path)
    used(tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_a_broken_data_set_is_refused_with_file_cause_and_remedy(tmp_path, case):
    layout, breaks, file, cause, remedy = CASES[case]
    layout(tmp_path)
    breaks(tmp_path)
    with pytest.raises(DatasetError) as caught:
        used(tmp_path)
    message = str(caught.value)
    for part in (file, cause, remedy):
        assert part in message
    assert "\n" not in message
    assert not re.search(r"Errno|0x[0-9a-f]{6}|codec", message)
