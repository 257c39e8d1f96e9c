"""Looks at a folder of images and masks and describes it, as far as can be seen."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from nas.data.folder.class_files import read_classes
from nas.data.folder.description import FolderDataset
from nas.data.folder.layout import left_out, split_pairs
from nas.data.folder.meaning import Wishes, decide
from nas.data.folder.recognise import Hints, recognise
from nas.data.folder.scan import Progress, Reading, choose_reading, scan_masks


class Proposal(NamedTuple):
    """A description of a folder, and a sentence about each decision that a reader might want otherwise."""

    description: FolderDataset
    notes: tuple[str, ...]


def propose(root: Path, hints: Hints, wishes: Wishes, read: Reading | None, progress: Progress) -> Proposal:
    """Describe a folder of images and masks; every mask is read once.

    Args:
        root: The folder.
        hints: Where images and masks are, as far as the user says it.
        wishes: What the masks' labels mean, as far as the user says it.
        read: Whether masks are read as values or colours; None decides by the masks.
        progress: Called with the masks read and the masks to read.

    Raises:
        DatasetError: The folder cannot be understood; the message says which file or which option is missing.
    """
    arrangement = recognise(root, hints)
    splits = split_pairs(root, arrangement.split, arrangement.suffixes)
    masks = [item.label for items in splits.values() for item in items]
    notes = list(arrangement.notes)
    unused = left_out(root, arrangement.split, arrangement.suffixes, splits)
    for kind, files in zip(("images", "masks"), unused, strict=True):
        notes += [f"{kind} that are in neither split: {len(files)}, the first is {files[0]}"] if files else []
    if read is None:
        coloured = wishes.classes is not None and wishes.classes[0].colour is not None
        colours = [str(item.colour) for item in wishes.classes or ()] if coloured else None
        read, note = choose_reading(masks, colours)
        notes += [note] if note is not None else []
    meaning = decide(scan_masks(masks, read, progress), wishes)
    description = FolderDataset(
        root=root,
        split=arrangement.split,
        image_suffix=arrangement.suffixes.image,
        mask_suffix=arrangement.suffixes.mask,
        read=meaning.read,
        classes=meaning.classes,
        ignore=meaning.ignore,
    )
    return Proposal(description, (*notes, *meaning.notes))


def wishes_of(classes: Path | None, wishes: Wishes) -> Wishes:
    """Read the file of classes, where there is one, into the user's wishes.

    Raises:
        DatasetError: The file cannot be read or holds no classes.
    """
    if classes is None:
        return wishes
    return Wishes(read_classes(classes), str(classes), wishes.ignore, wishes.mapped, wishes.reduce_zero_label)
