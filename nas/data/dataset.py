"""What a data set is to the engine: named splits of (image, label) pairs, class names, a palette, a content key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search_spaces.base import canonical_json

IGNORE = 255
"""Label value that neither trains nor counts."""

Uint8 = NDArray[np.uint8]

# Everything Pillow raises for a file that is cut short, not an image, or hostile.
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


class DatasetError(ValueError):
    """A data set's folder does not hold what its layout promises; the message names the file or folder."""


class Item(NamedTuple):
    """One annotated image: where its pixels and its label map stand."""

    image: Path
    label: Path


@dataclass(frozen=True, eq=False)
class LabelTable:
    """How the values of a label file become classes: `classes[v]` for value v where `known[v]`; both are (256,)."""

    classes: Uint8
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, mapping: Mapping[int, int]) -> Self:
        """Table of a mapping {value in the file: class, or IGNORE}; values left out are errors when met."""
        classes = np.full(256, IGNORE, np.uint8)
        known = np.zeros(256, np.bool_)
        for value, target in mapping.items():
            classes[value], known[value] = target, True
        return cls(classes, known)

    @classmethod
    def identity(cls, num_classes: int) -> Self:
        """Values are the classes 0..num_classes-1 themselves, 255 is ignored."""
        return cls.of({**{c: c for c in range(num_classes)}, IGNORE: IGNORE})

    def apply(self, values: Uint8, path: Path) -> Uint8:
        """Classes of a label map. DatasetError naming `path` and the values that the table does not have."""
        occurring = np.bincount(values.reshape(-1), minlength=256) > 0
        strangers = np.flatnonzero(occurring & ~self.known)
        if strangers.size:
            raise DatasetError(f"{path}: label values {strangers[:8].tolist()} are not in this layout's label table")
        return self.classes[values]


@dataclass(frozen=True, eq=False)
class Split:
    """A list of annotated images under one label table. Nothing is read before `load`."""

    name: str
    items: tuple[Item, ...]
    table: LabelTable

    def __len__(self) -> int:
        return len(self.items)

    def load(self, index: int) -> tuple[Uint8, Uint8]:
        """Image (H, W, 3) in RGB and label map (H, W) with classes or IGNORE. DatasetError naming a broken file."""
        item = self.items[index]
        image, values = read_image(item.image), read_label_values(item.label)
        if image.shape[:2] != values.shape:
            raise DatasetError(
                f"{item.label} is {_size(values)} but its image {item.image.name} is {_size(image)} (height x width)"
            )
        return image, self.table.apply(values, item.label)


@dataclass(frozen=True, eq=False)
class SegmentationDataset:
    """An opened data set. `palette` is (num_classes, 3); `splits` has "train" and "val".

    `appearance` are images labelled by what things look like rather than what they are; only generated scenes have
    them. A frozen backbone is warmed up on these (see docs/scenes.md).
    """

    name_of_layout: str
    root: Path
    class_names: tuple[str, ...]
    palette: Uint8
    splits: Mapping[str, Split]
    appearance: Split | None = None
    appearance_names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        assert self.palette.shape == (self.num_classes, 3)

    @property
    def num_classes(self) -> int:
        """Number of classes that train and count."""
        return len(self.class_names)

    @property
    def appearance_classes(self) -> int:
        """Number of appearance classes; 0 without an appearance split."""
        return len(self.appearance_names)

    def split(self, name: str) -> Split:
        """The split of that name. DatasetError listing those there are."""
        if name not in self.splits:
            raise DatasetError(f"{self.root} has no split {name!r}, only {', '.join(self.splits)}")
        return self.splits[name]

    def appearance_split(self) -> Split | None:
        """Images with appearance labels for the backbone's warm-up; None on real data."""
        return self.appearance

    @cached_property
    def key(self) -> str:
        """Content key (sha256 hex) that addresses caches: the same files under another root have the same key.

        Hashes the layout, the classes and, for each file, its path below the root, its size and its last 64 bytes.
        A PNG ends with checksums of its pixels (Adler-32 of the zlib stream, CRC-32 of the last IDAT chunk) and a
        JPEG with entropy-coded data, so other pixels of the same size give another key, yet a data set of thousands
        of images costs one short read a file. Times of change do not matter. DatasetError for a file that is gone.
        """
        digest = hashlib.sha256(canonical_json([self.name_of_layout, self.class_names, self.appearance_names]).encode())
        appearance = () if self.appearance is None else (self.appearance,)
        for split in (*self.splits.values(), *appearance):
            digest.update(f"\n{split.name} {len(split)}".encode())
            digest.update(split.table.classes.tobytes())
            for path in (path for item in split.items for path in item):
                digest.update(_file_key(path, self.root))
        return digest.hexdigest()


def read_image(path: Path) -> Uint8:
    """An image file as (H, W, 3) RGB. DatasetError naming the file when it is missing or unreadable."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))  # a copy: Pillow's own memory is read-only, torch objects
    except _UNREADABLE as error:
        raise DatasetError(_unreadable("image", path, error)) from error


def read_label_values(path: Path) -> Uint8:
    """The values of an 8-bit one-channel label file as (H, W): grey values, or indices of a palette image.

    DatasetError naming the file when it is missing, unreadable, or of another kind.
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
    """Sorted names of the files in `folder` that end in `suffix`. DatasetError when there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.name.endswith(suffix))
    except OSError as error:
        raise DatasetError(f"{folder} is not a readable folder ({error.strerror})") from error


def voc_palette(count: int) -> Uint8:
    """The PASCAL VOC colour map, (count, 3): the bits of an index, three at a time, fill the channels from the top."""
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
