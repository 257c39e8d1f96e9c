"""The description of a data set in the layout `folder`: where images and masks are, and what the masks' values mean.

`segnas data add` writes it into a registration file. Nothing in it is guessed again later: the same description and the
same files are the same data set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from nas.storage import StorageUrl
from search_spaces.base import StrictModel

Value = Annotated[int, Field(ge=0, le=255)]
"""A value of an 8-bit mask: a grey value, or an index of a palette image."""

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
"""A colour as #rrggbb, lower case."""

Label = Value | Colour
"""What a pixel of a mask holds."""

RelativePath = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^/]")]
"""A path below the root, or from it by `..`."""

LONGEST_NAME = 100
"""Characters of a class's name."""

MOST_CLASSES = 255
"""The largest number of classes: label maps are 8-bit, and one of the 256 values means "ignored"."""


class Places(StrictModel):
    """A folder of images and the folder of their masks, relative to the root; both may be the same.

    With `nested`, the files may also lie in folders below these, an image in the folder of the same name as its mask.
    """

    images: RelativePath
    masks: RelativePath
    nested: bool = Field(False, exclude_if=lambda nested: not nested)


class FolderSplit(StrictModel):
    """Training and validation images lie in folders of their own."""

    by: Literal["folders"] = "folders"
    train: Places
    val: Places

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.train.images == self.val.images:
            raise ValueError(f"training and validation images are both in {self.train.images}; they must differ")
        return self


class ListSplit(Places):
    """A text file for each split lists the images, one a line, by name with or without extension."""

    by: Literal["lists"] = "lists"
    train: RelativePath
    val: RelativePath


class FileSplit(Places):
    """One file says of each image to which split it belongs.

    A .json, .yaml or .yml file has `train` and `val`, each a list of names; any other file has lines `name,split` (a
    comma, a tab or spaces between).
    """

    by: Literal["file"] = "file"
    file: RelativePath


class RatioSplit(Places):
    """A share of the images, chosen by a hash of seed and name, is for validation.

    An image that is added or removed does not move the others from one split to the other, except at the boundary.
    """

    by: Literal["ratio"] = "ratio"
    val: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0)] = 0


Splitting = Annotated[FolderSplit | ListSplit | FileSplit | RatioSplit, Field(discriminator="by")]


class FolderClass(StrictModel):
    """A class: its name, what the masks hold where it is, and the colour in which pictures show it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]
    labels: Annotated[tuple[Label, ...], Field(min_length=1)]
    colour: Colour


class FolderDataset(StrictModel):
    """A folder of images and masks.

    Attributes:
        root: The folder; all other paths are relative to it.
        url: From where the root is fetched on a machine that does not have it, such as `s3://bucket/photos`.
        split: Where images and masks are, and which are for validation.
        image_suffix: What the names of images have more than the common stem, such as `_sat`.
        mask_suffix: What the names of masks have more than the common stem, such as `_mask`.
        read: `values`: a mask is 8-bit with one channel; `colours`: a mask is read as RGB.
        classes: In the order of the network's outputs.
        ignore: What the masks hold where a pixel is left out of training and evaluation.
    """

    layout: Literal["folder"] = "folder"
    root: Path
    url: StorageUrl | None = Field(None, exclude_if=lambda url: url is None)
    split: Splitting
    image_suffix: str = ""
    mask_suffix: str = ""
    read: Literal["values", "colours"] = "values"
    classes: Annotated[tuple[FolderClass, ...], Field(min_length=2, max_length=MOST_CLASSES)]
    ignore: tuple[Label, ...] = ()

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        if name := _twice(item.name for item in self.classes):
            raise ValueError(f"two classes have the name {name!r}")
        labels = [label for item in self.classes for label in item.labels] + list(self.ignore)
        if label := _twice(labels):
            raise ValueError(f"{label} belongs to two classes, or to a class and to `ignore`")
        wanted, kind = ("#rrggbb colours", str) if self.read == "colours" else ("numbers from 0 to 255", int)
        if wrong := [label for label in labels if not isinstance(label, kind)]:
            raise ValueError(f"with `read: {self.read}`, labels are {wanted}, not {wrong[0]}")
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.classes)


def _twice(items: Iterable[str | int]) -> str | None:
    """The first item that occurs more than once, as text."""
    return next((str(item) for item, count in Counter(items).items() if count > 1), None)


def as_colour(red: int, green: int, blue: int) -> str:
    """Write a colour of three values from 0 to 255 as #rrggbb."""
    return f"#{red:02x}{green:02x}{blue:02x}"


def rgb(colour: str) -> tuple[int, int, int]:
    """Read a colour #rrggbb."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
