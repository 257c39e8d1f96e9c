"""Finds the images, masks, splits and class files in a folder that someone made in a way of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nas.data.errors import DatasetError
from nas.data.folder.class_files import CLASS_FILES
from nas.data.folder.description import FileSplit, FolderSplit, ListSplit, Places, RatioSplit
from nas.data.folder.files import Suffixes, find_mask_suffix, find_suffixes
from nas.data.folder.layout import KINDS, list_files
from nas.data.names import image_files

_IMAGES = ("images", "image", "imgs", "img", "img_dir", "jpegimages", "rgb", "photos", "pictures", "inputs", "x")
_MASKS = (
    "masks", "mask", "labels", "label", "annotations", "annotation", "ann_dir", "gt", "groundtruth", "ground_truth",
    "segmentation", "segmentations", "segmentationclass", "segmentationclasspng", "targets", "y",
)  # fmt: skip
_TRAIN = ("train", "training")
_VAL = ("val", "valid", "validation")
_LISTS = ("", "splits", "split", "lists", "ImageSets/Segmentation")
_SPLIT_FILES = tuple(f"{stem}{suffix}" for stem in ("split", "splits") for suffix in (".csv", ".json", ".yaml", ".txt"))

Folders = FolderSplit | Places


@dataclass(frozen=True)
class Hints:
    """What the user says about where things are; None where it is to be seen.

    Attributes:
        images: Folder of the images, relative to the root.
        masks: Folder of the masks, relative to the root.
        image_suffix: What images' stems have more than the common name.
        mask_suffix: What masks' stems have more than the common name.
        split: File that says which image is in which split, relative to the root.
        val: Share of the images for validation.
        seed: Of the choice of these.
    """

    images: str | None = None
    masks: str | None = None
    image_suffix: str | None = None
    mask_suffix: str | None = None
    split: str | None = None
    val: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Arrangement:
    """Where images and masks are, how their names fit together, how they are split; and sentences about it."""

    split: FolderSplit | ListSplit | FileSplit | RatioSplit
    suffixes: Suffixes
    notes: tuple[str, ...]


def recognise(root: Path, hints: Hints) -> Arrangement:
    """Find out how a folder is arranged.

    Raises:
        DatasetError: No images with masks are found; the message says what was looked for and which option helps.
    """
    folders = _folders(root, hints)
    places = folders.train if isinstance(folders, FolderSplit) else folders
    suffixes = _suffixes(root, places, hints)
    notes = list(_nested_notes(root, folders))
    if suffixes.image or suffixes.mask:
        notes.append(f"images are named NAME{suffixes.image}.*, masks NAME{suffixes.mask}.*")
    if isinstance(folders, FolderSplit):
        if hints.split is not None or hints.val is not None:
            raise DatasetError(
                f"{root / folders.train.images} and {root / folders.val.images} divide the images already: leave out "
                f"--split and --val, or name one folder of all images with --image-folder and --mask-folder"
            )
        return Arrangement(folders, suffixes, tuple(notes))
    split, note = _splitting(root, folders, hints)
    return Arrangement(split, suffixes, (*notes, note))


def find_class_file(root: Path) -> Path | None:
    """Find the file that names the classes, by its name; None where there is none."""
    there = _entries(root)
    return next((there[name] for name in CLASS_FILES if name in there and there[name].is_file()), None)


def _folders(root: Path, hints: Hints) -> Folders:
    if (hints.images is None) != (hints.masks is None):
        raise DatasetError("--image-folder and --mask-folder belong together: give both or none")
    if hints.images is not None and hints.masks is not None:
        return _inside(root, below(root, hints.images), below(root, hints.masks))
    for images, masks in _pairs_below(root, ""):
        return _inside(root, images, masks)
    train, val = (_first(root, names) for names in (_TRAIN, _VAL))
    if train and val:
        return FolderSplit(train=_split_places(root, train), val=_split_places(root, val))
    if (beside := _beside(root, ".")) is not None:
        return beside
    raise DatasetError(
        f"{root} has no images with masks: `images/` and `masks/` (each with `train/` and `val/`, or not) are looked "
        f"for, `train/` and `val/` with these in them, and NAME.* with NAME_mask.*; --image-folder and --mask-folder "
        f"name others"
    )


def below(root: Path, path: str) -> str:
    """Write a path that the user gives, relative to the root or absolute, relative to the root."""
    expanded = Path(path).expanduser()
    return os.path.relpath(expanded, root) if expanded.is_absolute() else (path or ".")


def _split_places(root: Path, split: str) -> Places:
    for images, masks in _pairs_below(root, split):
        return _places(root, images, masks)
    if (beside := _beside(root, split)) is not None:
        return beside
    raise DatasetError(
        f"{root / split} has neither `images/` and `masks/` nor images with masks NAME_mask.* beside them"
    )


def _inside(root: Path, images: str, masks: str) -> Folders:
    """The folders themselves, or their subfolders `train` and `val` where both have them."""
    for folder in (images, masks):
        if not (root / folder).is_dir():
            raise DatasetError(f"there is no folder {root / folder}")
    found = [(_first(root / folder, _TRAIN), _first(root / folder, _VAL)) for folder in (images, masks)]
    (image_train, image_val), (mask_train, mask_val) = found
    if image_train and image_val and mask_train and mask_val:
        return FolderSplit(
            train=_places(root, f"{images}/{image_train}", f"{masks}/{mask_train}"),
            val=_places(root, f"{images}/{image_val}", f"{masks}/{mask_val}"),
        )
    if any(part is not None for pair in found for part in pair) and not image_files(root / images):
        raise DatasetError(
            f"{root / images} and {root / masks} must each have both `train` and `val`, or the images themselves"
        )
    return _places(root, images, masks)


def _places(root: Path, images: str, masks: str) -> Places:
    """Two folders; also what lies in folders below them where neither has an image itself."""
    flat = Places(images=images, masks=masks)
    if any(list_files(root, flat, which) for which in KINDS):
        return flat
    nested = Places(images=images, masks=masks, nested=True)
    return nested if all(list_files(root, nested, which) for which in KINDS) else flat


def _beside(root: Path, folder: str) -> Places | None:
    """A folder that holds images and, beside them, their masks; None where it does not."""
    places = _places(root, folder, folder)
    return places if find_mask_suffix(list(list_files(root, places, "images"))) is not None else None


def _nested_notes(root: Path, folders: Folders) -> Iterator[str]:
    parts = {"": folders} if isinstance(folders, Places) else {"train: ": folders.train, "val: ": folders.val}
    for prefix, places in parts.items():
        if places.nested:
            count = len({path.parent for path in list_files(root, places, "images").values()})
            yield f"{prefix}the images lie in {count} folders below {root / places.images}, which are read, too"
        elif deeper := len(list_files(root, places.model_copy(update={"nested": True}), "images")) - len(
            list_files(root, places, "images")
        ):
            yield f"{prefix}{deeper} images in folders below {root / places.images} are not read"


def _pairs_below(root: Path, folder: str) -> list[tuple[str, str]]:
    """The folders of images and of masks in a folder, relative to `root`; none or one pair."""
    images, masks = (_first(root / folder, names) for names in (_IMAGES, _MASKS))
    prefix = f"{folder}/" if folder else ""
    return [(prefix + images, prefix + masks)] if images and masks else []


def _first(folder: Path, names: Sequence[str]) -> str | None:
    """The first of the names that a subfolder has, in whatever case, as it is written there."""
    there = {name: path for name, path in _entries(folder).items() if path.is_dir()}
    return next((there[name].name for name in names if name in there), None)


def _entries(folder: Path) -> dict[str, Path]:
    try:
        return {path.name.lower(): path for path in sorted(folder.iterdir())}
    except OSError as error:
        raise DatasetError(f"{folder} is not a readable folder ({error.strerror})") from error


def _suffixes(root: Path, places: Places, hints: Hints) -> Suffixes:
    stems = list(list_files(root, places, "images"))
    if hints.image_suffix is not None or hints.mask_suffix is not None:
        return Suffixes(hints.image_suffix or "", hints.mask_suffix or "")
    if places.images == places.masks:
        return Suffixes("", find_mask_suffix(stems) or "")
    masks = list(list_files(root, places, "masks"))
    for folder, found in ((places.images, stems), (places.masks, masks)):
        if not found:
            raise DatasetError(f"there is no PNG, JPEG, TIFF, BMP or WebP file in {root / folder}")
    suffixes = find_suffixes(stems, masks)
    if suffixes is None:
        raise DatasetError(
            f"{stems[0]} in {root / places.images} and {masks[0]} in {root / places.masks} have no name in common: an "
            f"image and its mask must have one name but for a suffix (--image-suffix, --mask-suffix)"
        )
    return suffixes


def _splitting(root: Path, places: Places, hints: Hints) -> tuple[ListSplit | FileSplit | RatioSplit, str]:
    where = places.model_dump()
    if hints.split is not None and hints.val is not None:
        raise DatasetError("--split and --val both say which images are for validation; give one")
    if hints.split is not None:
        given = below(root, hints.split)
        return FileSplit(**where, file=given), f"training and validation as {root / given} says"
    if hints.val is None:
        if (lists := _lists(root)) is not None:
            note = f"training and validation as {root / lists[0]} and {root / lists[1]} list them"
            return ListSplit(**where, train=lists[0], val=lists[1]), note
        there = _entries(root)
        if file := next((there[name].name for name in _SPLIT_FILES if name in there), None):
            return FileSplit(**where, file=file), f"training and validation as {root / file} says"
    share = RatioSplit.model_fields["val"].default if hints.val is None else hints.val
    ratio = RatioSplit(**where, val=share, seed=hints.seed)
    note = f"{share:.0%} of the images are for validation, chosen by seed {hints.seed} (--val, --seed, --split FILE)"
    if places.nested:
        note += "; where a folder is one video, map or volume, keep it in one split by a file"
    return ratio, note


def _lists(root: Path) -> tuple[str, str] | None:
    for folder in _LISTS:
        prefix = f"{folder}/" if folder else ""
        for name in _VAL:
            train, val = f"{prefix}train.txt", f"{prefix}{name}.txt"
            if (root / train).is_file() and (root / val).is_file():
                return train, val
    return None
