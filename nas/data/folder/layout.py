"""Opens a data set of the layout `folder`: pairs images with masks, and divides them into training and validation."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nas.data.dataset import IGNORE, Item, LabelReader, LabelTable, SegmentationDataset, Split
from nas.data.errors import DatasetError
from nas.data.folder.colours import ColourTable, palette
from nas.data.folder.description import (
    FileSplit,
    FolderDataset,
    FolderSplit,
    Label,
    ListSplit,
    Places,
    RatioSplit,
    Splitting,
)
from nas.data.folder.files import Suffixes, without_suffix
from nas.data.names import find_named, image_files, nested_image_files, read_names, read_text, stem_of
from search_spaces.json_text import parse_json

Kind = Literal["images", "masks"]
KINDS: tuple[Kind, Kind] = ("images", "masks")


def open_folder_dataset(description: FolderDataset) -> SegmentationDataset:
    """Open a data set by listing its files; no image is decoded yet.

    Raises:
        DatasetError: A folder, a mask or a list is missing, or an image is in both splits; the message names it.
    """
    table = _table(description)
    splits = split_pairs(description.root.expanduser(), description.split, _suffixes(description))
    return SegmentationDataset(
        name_of_layout=description.layout,
        root=description.root.expanduser(),
        class_names=description.class_names,
        palette=palette([item.colour for item in description.classes]),
        splits={name: Split(name, items, table) for name, items in splits.items()},
    )


def _suffixes(description: FolderDataset) -> Suffixes:
    return Suffixes(description.image_suffix, description.mask_suffix)


def _table(description: FolderDataset) -> LabelReader:
    mapping: dict[Label, int] = {
        label: index for index, item in enumerate(description.classes) for label in item.labels
    }
    mapping |= dict.fromkeys(description.ignore, IGNORE)
    if description.read == "colours":
        return ColourTable.of({label: target for label, target in mapping.items() if isinstance(label, str)})
    return LabelTable.of({label: target for label, target in mapping.items() if isinstance(label, int)})


def split_pairs(root: Path, split: Splitting, suffixes: Suffixes) -> dict[str, tuple[Item, ...]]:
    """Pair the images and masks below `root` and divide them into `train` and `val`.

    Raises:
        DatasetError: A folder, a mask or a list is missing, or a split would be empty; the message names it.
    """
    if isinstance(split, FolderSplit):
        folders = {"train": split.train, "val": split.val}
        found = {name: _find(root, places, suffixes) for name, places in folders.items()}
        return {name: _paired(files, files.images) for name, files in found.items()}
    files = _find(root, split, suffixes)
    if isinstance(split, RatioSplit):
        train, val = _by_ratio(list(files.images), split)
    elif isinstance(split, ListSplit):
        train, val = (read_names(root / file, files.by_name, files.image_folder) for file in (split.train, split.val))
    else:
        train, val = _read_split_file(root / split.file)
    source = _source(root, split)
    lists = {name: _listed(files, names, name, source) for name, names in (("train", train), ("val", val))}
    if shared := set(lists["train"]) & set(lists["val"]):
        raise DatasetError(f"{min(shared)} is in training and in validation by {source}; the splits must differ")
    return {name: _paired(files, stems) for name, stems in lists.items()}


def left_out(
    root: Path, split: Splitting, suffixes: Suffixes, chosen: Mapping[str, Collection[Item]]
) -> tuple[list[Path], list[Path]]:
    """List the images and the masks in the folders of a data set that are in neither split."""
    used = {path for items in chosen.values() for item in items for path in item}
    folders = (split.train, split.val) if isinstance(split, FolderSplit) else (split,)
    files = [_find(root, places, suffixes) for places in folders]
    images = {path for found in files for path in found.images.values()}
    masks = {path for found in files for path in found.masks.values()}
    return sorted(images - used), sorted(masks - used)


@dataclass(frozen=True)
class _Files:
    """The images and masks of two folders by the stem that they share, whether or not there are both."""

    images: dict[str, Path]
    masks: dict[str, Path]
    image_folder: Path
    mask_folder: Path
    suffixes: Suffixes

    @property
    def by_name(self) -> dict[str, Path]:
        """The images by the names that a list may give them.

        With the suffix of images and without; with the folders below `image_folder`, and without these where no two
        images are alike then.
        """
        written = {stem + self.suffixes.image: path for stem, path in self.images.items()}
        short: dict[str, Path | None] = {}
        for stem, path in [*written.items(), *self.images.items()]:
            last = stem.rsplit("/", 1)[-1]
            short[last] = path if short.get(last, path) == path else None
        return {stem: path for stem, path in short.items() if path is not None} | written | self.images

    def why_missing(self, name: str) -> str:
        """Explain why no image is meant by a name of a list."""
        alike = [path for stem, path in self.images.items() if stem.rsplit("/", 1)[-1] == name]
        if len(alike) > 1:
            return f"several images are named {name}, {alike[0]} and {alike[1]} for instance: write their folders, too"
        return f"there is no image {name}"


def _find(root: Path, places: Places, suffixes: Suffixes) -> _Files:
    images, masks = root / places.images, root / places.masks
    found = list_files(root, places, "images")
    if images == masks:
        found = {stem: path for stem, path in found.items() if not stem.endswith(suffixes.mask)}
    named = without_suffix(found, suffixes.image)
    if not named:
        raise DatasetError(f"there is no image in {images}; images are PNG, JPEG, TIFF, BMP or WebP files")
    labels = without_suffix(list_files(root, places, "masks"), suffixes.mask)
    return _Files(named, labels, images, masks, suffixes)


def list_files(root: Path, places: Places, which: Kind) -> dict[str, Path]:
    """List the files of the folder of images or of masks, by stem or, where they are nested, by path and stem.

    Raises:
        DatasetError: The folder is missing or unreadable, or two files of one folder have the same stem.
    """
    folders = {"images": root / places.images, "masks": root / places.masks}
    folder = folders.pop(which)
    (other,) = folders.values()
    return nested_image_files(folder, without=other) if places.nested else image_files(folder)


def _paired(files: _Files, stems: Collection[str]) -> tuple[Item, ...]:
    if missing := [stem for stem in stems if stem not in files.masks]:
        more = f" ({len(missing)} images have none)" if len(missing) > 1 else ""
        raise DatasetError(
            f"there is no mask {missing[0]}{files.suffixes.mask}.* in {files.mask_folder} for the image "
            f"{files.images[missing[0]].name}{more}; add it, or let a split file list the images that have masks"
        )
    return tuple(Item(files.images[stem], files.masks[stem]) for stem in stems)


def _by_ratio(stems: list[str], split: RatioSplit) -> tuple[list[str], list[str]]:
    """Divide the stems by the order of their hashes, so that one more image does not move the others."""
    if len(stems) < 2:
        raise DatasetError("one image cannot be divided into training and validation; two are the least")
    count = min(max(1, round(split.val * len(stems))), len(stems) - 1)
    ordered = sorted(stems, key=lambda stem: hashlib.sha256(f"{split.seed}/{stem}".encode()).digest())
    val = set(ordered[:count])
    return [stem for stem in stems if stem not in val], [stem for stem in stems if stem in val]


def _read_split_file(path: Path) -> tuple[list[str], list[str]]:
    if path.suffix.lower() in (".json", ".yaml", ".yml"):
        return _read_split_mapping(path)
    named: dict[str, list[str]] = {"train": [], "val": []}
    for number, line in enumerate(read_text(path, "list of images").splitlines(), 1):
        fields = [field.strip() for field in re.split(r"[,;\t]|\s+(?=\S+\s*$)", line.strip()) if field.strip()]
        if not fields or (number == 1 and fields[-1].lower() in ("split", "set", "subset")):
            continue
        if len(fields) != 2 or (split := _SPLIT_WORDS.get(fields[1].lower())) is None:
            raise DatasetError(f"{path}, line {number}: `name,train` or `name,val` is needed, not {line.strip()!r}")
        named[split].append(_name(fields[0]))
    return named["train"], named["val"]


_SPLIT_WORDS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}


def _read_split_mapping(path: Path) -> tuple[list[str], list[str]]:
    data = _parsed(path, read_text(path, "list of images"))
    lists = [data.get(name) for name in ("train", "val")] if isinstance(data, dict) else []
    if len(lists) != 2 or not all(isinstance(names, list) for names in lists):
        raise DatasetError(f"{path} must have `train` and `val`, each a list of names of images")
    train, val = ([_name(str(name)) for name in names] for names in lists if names is not None)
    return train, val


def _parsed(path: Path, text: str) -> Any:
    try:
        if path.suffix.lower() == ".json":
            return parse_json(text)
        from nas.yaml_text import parse_yaml  # only here: a machine that just trains may lack PyYAML
    except ValueError as error:
        raise DatasetError(f"{path} is not JSON: {error}") from error
    except ImportError:
        raise DatasetError(f"reading {path} needs PyYAML: pip install pyyaml") from None
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise DatasetError(f"{path} is {error}") from error


def _name(text: str) -> str:
    return stem_of(unicodedata.normalize("NFC", text).replace("\\", "/"))


def _source(root: Path, split: ListSplit | FileSplit | RatioSplit) -> str:
    if isinstance(split, FileSplit):
        return str(root / split.file)
    if isinstance(split, ListSplit):
        return f"{root / split.train} and {root / split.val}"
    return "the split by ratio"


def _listed(files: _Files, names: list[str], split: str, source: str) -> list[str]:
    """Return the shared stems of the images that a list names, each once."""
    stems = {path: stem for stem, path in files.images.items()}
    by_name = files.by_name
    found = {name: find_named(name, by_name) for name in names}
    if unknown := [name for name, there in found.items() if there is None]:
        raise DatasetError(f"{files.why_missing(unknown[0])}, which {source} lists for {split}")
    if not names:
        raise DatasetError(f"no image is for {split} by {source}")
    return list(dict.fromkeys(stems[by_name[name]] for name in found.values() if name is not None))
