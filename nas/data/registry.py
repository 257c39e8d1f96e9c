"""From a registered data set (its layout and root folder) to an opened one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nas.data import ade20k, cityscapes, voc2012
from nas.data.dataset import DatasetError, SegmentationDataset
from nas.data.entry import Layout, Registration
from nas.data.folder.description import FolderDataset
from nas.data.folder.layout import open_folder_dataset
from search_spaces.base import content_key

_READERS: dict[Layout, Callable[[Path], SegmentationDataset]] = {
    "cityscapes": cityscapes.open_cityscapes,
    "voc2012": voc2012.open_voc2012,
    "ade20k": ade20k.open_ade20k,
}


def class_names(entry: Registration) -> tuple[str, ...]:
    """Return the names of a data set's classes; only ADE20K's may stand in a file below its root.

    Raises:
        DatasetError: That file is broken.
    """
    if isinstance(entry, FolderDataset):
        return entry.class_names
    if entry.layout == "ade20k":
        return ade20k.class_names(entry.root.expanduser())
    return {"cityscapes": cityscapes.CLASS_NAMES, "voc2012": voc2012.CLASS_NAMES}[entry.layout]


def open_dataset(entry: Registration, cache: Path | None = None) -> SegmentationDataset:
    """Open a data set by listing the files of its layout; no image is decoded yet.

    Args:
        entry: The data set.
        cache: Where what is read for the data set's key is remembered for other processes; None remembers it in this
            one.

    Raises:
        DatasetError: The root, a folder or a file is missing; the message names it.
    """
    root = entry.root.expanduser()
    if not root.is_dir():
        raise DatasetError(f"root folder {root} of the {entry.layout} data set does not exist on this machine")
    opened = open_folder_dataset(entry) if isinstance(entry, FolderDataset) else _READERS[entry.layout](root)
    if cache is None:
        return opened
    return replace(opened, digests=cache / "digests" / f"{content_key(str(root.absolute()))}.json")
