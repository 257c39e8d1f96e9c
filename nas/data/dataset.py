"""A segmentation data set: named splits of (image, label map) pairs, class names, a palette, a content key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from nas.data.decode import Uint8, exif_orientation, read_image, read_label_values
from nas.data.errors import DatasetError
from nas.data.resizing import resize_image, resize_label
from nas.digests import Read, file_digests
from search_spaces.base import canonical_json

__all__ = [
    "IGNORE",
    "DatasetError",
    "Item",
    "LabelReader",
    "LabelTable",
    "SegmentationDataset",
    "Split",
    "Uint8",
    "voc_palette",
]

IGNORE = 255
"""Label of pixels that are left out of training and evaluation."""


class Item(NamedTuple):
    """The files of one annotated image: the image and its label map."""

    image: Path
    label: Path


class LabelReader(Protocol):
    """Reads label files and knows which class their values or colours are."""

    @property
    def signature(self) -> bytes:
        """Bytes that differ whenever another class, or none, belongs to a value or colour."""

    def read(self, path: Path) -> Uint8:
        """Read a label file and return the classes of its pixels, (H, W), IGNORE where there is none.

        Raises:
            DatasetError: The file is missing or broken, or a value belongs to no class; the message names it.
        """


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

    @property
    def signature(self) -> bytes:
        """Bytes that differ whenever the mapping does."""
        return self.classes.tobytes() + self.known.tobytes()

    def read(self, path: Path) -> Uint8:
        """Read a label file and return the classes of its pixels, (H, W).

        Raises:
            DatasetError: The file is missing or broken, or a value is not in the table.
        """
        return self.apply(read_label_values(path), path)

    def apply(self, values: Uint8, path: Path) -> Uint8:
        """Return the classes of a label map's values.

        Raises:
            DatasetError: A value is not in the table; the message names it and `path`.
        """
        occurring = np.bincount(values.reshape(-1), minlength=256) > 0
        unknown = np.flatnonzero(occurring & ~self.known)
        if unknown.size:
            raise DatasetError(
                f"{path}: label values {unknown[:8].tolist()} are not in this layout's label table, which has "
                f"{_ranges(np.flatnonzero(self.known).tolist())}; write one of these for each of those pixels"
            )
        return self.classes[values]


@dataclass(frozen=True, eq=False)
class Split:
    """A list of annotated images with one reader of their label files; `load` reads both.

    Attributes:
        resize: Factor on the size of every image and label map that is read.
    """

    name: str
    items: tuple[Item, ...]
    table: LabelReader
    resize: float = 1.0

    def __len__(self) -> int:
        return len(self.items)

    def load(self, index: int) -> tuple[Uint8, Uint8]:
        """Read an image (H, W, 3) in RGB and its label map (H, W) of classes or IGNORE.

        Raises:
            DatasetError: A file is missing or broken, the sizes differ, or a label value is not in the table.
        """
        item = self.items[index]
        image, classes = read_image(item.image), self.table.read(item.label)
        if image.shape[:2] != classes.shape:
            raise DatasetError(
                f"{item.label} is {_size(classes)} but its image {item.image.name} is {_size(image)} (height x width); "
                f"both must have one size{_turned(item.image)}{_turned(item.label)}"
            )
        return resize_image(image, self.resize), resize_label(classes, self.resize)

    def load_label(self, index: int) -> Uint8:
        """Read a label map (H, W) of classes or IGNORE, without its image.

        Raises:
            DatasetError: The file is missing or broken, or a label value is not in the table.
        """
        return resize_label(self.table.read(self.items[index].label), self.resize)


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
        digests: A file that remembers the hashes of the data set's files between processes; None remembers them in this
            process only.
        resize: Factor on the size of every image and label map that its splits read.
    """

    name_of_layout: str
    root: Path
    class_names: tuple[str, ...]
    palette: Uint8
    splits: Mapping[str, Split]
    appearance: Split | None = None
    appearance_names: tuple[str, ...] = field(default=())
    digests: Path | None = None
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
        if factor not in self._resized:
            splits = {name: replace(split, resize=factor) for name, split in self.splits.items()}
            appearance = None if self.appearance is None else replace(self.appearance, resize=factor)
            self._resized[factor] = replace(self, splits=splits, appearance=appearance, resize=factor)
        return self._resized[factor]

    @cached_property
    def _resized(self) -> dict[float, SegmentationDataset]:
        """Those that were asked for: each has a key, for which the state of every file is looked at."""
        return {}

    @cached_property
    def key(self) -> str:
        """Content key (sha256 hex) that addresses caches; the same files under another root have the same key.

        The key hashes the layout, the classes, what label values mean, and for each file its path below the root and
        its entire content. `digests` spares reading files again that have not changed.

        Raises:
            DatasetError: A file cannot be read.
        """
        digest = hashlib.sha256(canonical_json([self.name_of_layout, self.class_names, self.appearance_names]).encode())
        contents, root = iter(self._digests()), self.root.as_posix()
        for split in self._all_splits:
            digest.update(f"\n{split.name} {len(split)}".encode())
            digest.update(split.table.signature)
            for path in chain.from_iterable(split.items):
                digest.update(f"\n{_below(path, root)} {next(contents)}".encode())
        if self.resize != 1:
            digest.update(f"\nresize {self.resize!r}".encode())
        return digest.hexdigest()

    def read_files(self, read: Read) -> None:
        """Read the files whose hashes are not remembered, which `key` would do without saying how far it is.

        Args:
            read: Called with the files that have been read and those to be read in all.

        Raises:
            DatasetError: A file cannot be read.
        """
        self._digests(read)

    @property
    def _all_splits(self) -> tuple[Split, ...]:
        return (*self.splits.values(), *(() if self.appearance is None else (self.appearance,)))

    def _digests(self, read: Read | None = None) -> list[str]:
        paths = [path for split in self._all_splits for item in split.items for path in item]
        try:
            return file_digests(paths, self.digests, read)
        except OSError as error:
            raise DatasetError(f"{error.filename} cannot be read ({error.strerror})") from error


def _below(path: Path, root: str) -> str:
    """The path below the root; `Path.relative_to` takes ten times as long, for each of tens of thousands of files."""
    whole = path.as_posix()
    return whole[len(root) + 1 :] if whole.startswith(f"{root}/") else path.relative_to(root).as_posix()


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


def _ranges(numbers: Sequence[int]) -> str:
    """Name ascending numbers as in `0 to 20 and 255`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return " and ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _turned(path: Path) -> str:
    """The part of a message that names a file's EXIF orientation, by which its size can differ from the stored one."""
    orientation = exif_orientation(path)
    if orientation == 1:
        return ""
    return (
        f"; {path.name} is turned as its EXIF orientation {orientation} says: where the other file was made for the "
        f"pixels as they are stored, remove the orientation (exiftool -Orientation= {path.name})"
    )


def _size(array: Uint8) -> str:
    return f"{array.shape[0]}x{array.shape[1]}"
