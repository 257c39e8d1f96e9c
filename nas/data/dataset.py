"""A segmentation data set: named splits of (image, label map) pairs, class names, a palette, a content key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nas.data.resizing import rescale
from search_spaces.base import canonical_json

IGNORE = 255
"""Label of pixels that are left out of training and evaluation."""

Uint8 = NDArray[np.uint8]

# Everything Pillow raises for a file that is cut short, not an image, or hostile.
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


class DatasetError(ValueError):
    """A file or folder of a data set is missing, broken or not as its layout requires; the message names it."""


class Item(NamedTuple):
    """The files of one annotated image: the image and its label map."""

    image: Path
    label: Path


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Maps the values of a label file to classes: value v to `classes[v]` if `known[v]`; both arrays are (256,)."""

    classes: Uint8
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, mapping: Mapping[int, int]) -> Self:
        """Build the table of a mapping {value in the file: class or IGNORE}; any other value in a file is an error."""
        classes = np.full(256, IGNORE, np.uint8)
        known = np.zeros(256, np.bool_)
        for value, target in mapping.items():
            classes[value], known[value] = target, True
        return cls(classes, known)

    @classmethod
    def identity(cls, num_classes: int) -> Self:
        """Build the table whose values are the classes 0..num_classes-1 themselves; 255 is ignored."""
        return cls.of({**{c: c for c in range(num_classes)}, IGNORE: IGNORE})

    def apply(self, values: Uint8, path: Path) -> Uint8:
        """Return the classes of a label map's values.

        Raises:
            DatasetError: A value is not in the table; the message names it and `path`.
        """
        occurring = np.bincount(values.reshape(-1), minlength=256) > 0
        unknown = np.flatnonzero(occurring & ~self.known)
        if unknown.size:
            raise DatasetError(f"{path}: label values {unknown[:8].tolist()} are not in this layout's label table")
        return self.classes[values]


@dataclass(frozen=True, eq=False)
class Split:
    """A list of annotated images with one label table; `load` reads the files.

    Attributes:
        resize: Factor on the size of every image and label map that is read.
    """

    name: str
    items: tuple[Item, ...]
    table: LabelTable
    resize: float = 1.0

    def __len__(self) -> int:
        return len(self.items)

    def load(self, index: int) -> tuple[Uint8, Uint8]:
        """Read an image (H, W, 3) in RGB and its label map (H, W) of classes or IGNORE.

        Raises:
            DatasetError: A file is missing or broken, the sizes differ, or a label value is not in the table.
        """
        item = self.items[index]
        image, values = read_image(item.image), read_label_values(item.label)
        if image.shape[:2] != values.shape:
            raise DatasetError(
                f"{item.label} is {_size(values)} but its image {item.image.name} is {_size(image)} (height x width)"
            )
        return rescale(image, self.table.apply(values, item.label), self.resize)


@dataclass(frozen=True, eq=False)
class SegmentationDataset:
    """An opened data set.

    Attributes:
        name_of_layout: Folder layout, for instance "cityscapes".
        palette: Colour of each class, (num_classes, 3).
        splits: "train" and "val".
        appearance: Images labelled by appearance rather than class, on which a frozen backbone is warmed up; only
            generated scenes have them (see docs/concepts/scenes.md).
        appearance_names: Names of the appearance classes.
        resize: Factor on the size of every image and label map that its splits read.
    """

    name_of_layout: str
    root: Path
    class_names: tuple[str, ...]
    palette: Uint8
    splits: Mapping[str, Split]
    appearance: Split | None = None
    appearance_names: tuple[str, ...] = field(default=())
    resize: float = 1.0

    def __post_init__(self) -> None:
        assert self.palette.shape == (self.num_classes, 3)

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def appearance_classes(self) -> int:
        return len(self.appearance_names)

    def split(self, name: str) -> Split:
        """Return the split of that name.

        Raises:
            DatasetError: There is none; the message lists the splits.
        """
        if name not in self.splits:
            raise DatasetError(f"{self.root} has no split {name!r}, only {', '.join(self.splits)}")
        return self.splits[name]

    def resized(self, factor: float) -> SegmentationDataset:
        """Return the data set whose images and label maps are read at `factor` times their size."""
        if factor == self.resize:
            return self
        splits = {name: replace(split, resize=factor) for name, split in self.splits.items()}
        appearance = None if self.appearance is None else replace(self.appearance, resize=factor)
        return replace(self, splits=splits, appearance=appearance, resize=factor)

    @cached_property
    def key(self) -> str:
        """Content key (sha256 hex) that addresses caches; the same files under another root have the same key.

        The key hashes the layout, the classes and, for each file, its path below the root, its size and its last 64
        bytes, not its modification time. A PNG ends with checksums of its pixels (Adler-32 of the zlib stream, CRC-32
        of the last IDAT chunk) and a JPEG with entropy-coded data, so other pixels in a file of the same size give
        another key, yet a data set of thousands of images costs one short read per file.

        Raises:
            DatasetError: A file cannot be read.
        """
        digest = hashlib.sha256(canonical_json([self.name_of_layout, self.class_names, self.appearance_names]).encode())
        appearance = () if self.appearance is None else (self.appearance,)
        for split in (*self.splits.values(), *appearance):
            digest.update(f"\n{split.name} {len(split)}".encode())
            digest.update(split.table.classes.tobytes())
            for path in (path for item in split.items for path in item):
                digest.update(_file_key(path, self.root))
        if self.resize != 1:
            digest.update(f"\nresize {self.resize!r}".encode())
        return digest.hexdigest()


def read_image(path: Path) -> Uint8:
    """Read an image file as RGB, (H, W, 3).

    Raises:
        DatasetError: The file is missing or unreadable.
    """
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))  # a copy: Pillow's own memory is read-only, which torch warns about
    except _UNREADABLE as error:
        raise DatasetError(_unreadable("image", path, error)) from error


def read_label_values(path: Path) -> Uint8:
    """Read the values of an 8-bit label file with one channel, (H, W): grey values, or indices of a palette image.

    Raises:
        DatasetError: The file is missing, unreadable, or not 8-bit with one channel.
    """
    try:
        with Image.open(path) as image:
            mode = image.mode
            values = np.asarray(image)
    except _UNREADABLE as error:
        raise DatasetError(_unreadable("label map", path, error)) from error
    if mode not in ("L", "P"):
        raise DatasetError(f"{path} is not a label map: it must be 8-bit with one channel (mode L or P), not {mode}")
    return values


def names_in(folder: Path, suffix: str) -> list[str]:
    """Return the sorted names of the entries of `folder` that end in `suffix`.

    Raises:
        DatasetError: The folder is missing or unreadable.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.name.endswith(suffix))
    except OSError as error:
        raise DatasetError(f"{folder} is not a readable folder ({error.strerror})") from error


def voc_palette(count: int) -> Uint8:
    """Return the PASCAL VOC colour map, (count, 3).

    The bits of an index, three at a time from the lowest, become the bits of R, G and B from the highest.
    """
    palette = np.zeros((count, 3), np.uint8)
    for index in range(count):
        for bit in range(8):
            for channel in range(3):
                palette[index, channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
    return palette


def _file_key(path: Path, root: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 64))
            tail = file.read(64)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror})") from error
    return f"\n{path.relative_to(root).as_posix()} {size} ".encode() + tail


def _unreadable(what: str, path: Path, error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{what} {path} is missing"
    return f"{what} {path} is unreadable: {error}"


def _size(array: Uint8) -> str:
    return f"{array.shape[0]}x{array.shape[1]}"
