"""Finds the layout of a folder, and with it the registration under which a search can use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from nas.data.entry import DatasetEntry, Layout, Registration
from nas.data.errors import DatasetError
from nas.data.folder.meaning import Wishes
from nas.data.folder.propose import propose, wishes_of
from nas.data.folder.recognise import Hints, find_class_file
from nas.data.folder.scan import Reading
from nas.user_paths import absolute

_MARKS: tuple[tuple[str, Layout], ...] = (
    ("leftImg8bit", "cityscapes"),
    ("annotations/training", "ade20k"),
    ("ImageSets/Segmentation", "voc2012"),
    ("VOC2012", "voc2012"),
    ("VOCdevkit", "voc2012"),
)
"""Subfolders by which the layouts that fix their classes are recognised."""


@dataclass(frozen=True)
class FolderOptions:
    """What a user says about a folder; all the rest is seen.

    Attributes:
        layout: The layout; None recognises it.
        hints: Where images and masks are.
        classes: File of classes; None looks for one in the folder.
        wishes: What the masks' labels mean, without the file of classes.
        read: Whether masks are read as values or colours.
    """

    layout: Literal[Layout, "folder"] | None = None
    hints: Hints = field(default_factory=Hints)
    classes: Path | None = None
    wishes: Wishes = field(default_factory=Wishes)
    read: Reading | None = None

    @property
    def folder_only(self) -> bool:
        """Whether anything is said that only the layout `folder` understands."""
        return self != FolderOptions(layout=self.layout)


class Recognised(NamedTuple):
    """A registration, and a sentence about each decision that a reader might want otherwise."""

    registration: Registration
    notes: tuple[str, ...]


def recognise(
    folder: Path, options: FolderOptions | None = None, progress: Callable[[int, int], None] | None = None
) -> Recognised:
    """Find out how a data set's folder is to be read. Of the layout `folder`, every mask is read once.

    Args:
        folder: The root.
        options: What the user says.
        progress: Called with the masks read and the masks to read.

    Raises:
        DatasetError: The folder cannot be understood, or options do not fit its layout.
        ValueError: The path has no place, such as links in a circle.
    """
    chosen = options or FolderOptions()
    root = absolute(folder, "the data set")
    if not root.is_dir():
        raise DatasetError(f"there is no folder {folder}")
    classes = chosen.classes or find_class_file(root)
    layout, notes = chosen.layout, []
    if layout is None and not chosen.folder_only and classes is None:
        layout = next((layout for mark, layout in _MARKS if (root / mark).is_dir()), None)
        if layout is not None:
            notes.append(f"the folders are those of {layout}, whose classes are fixed (--layout folder reads any)")
    if layout is not None and layout != "folder":
        if chosen.folder_only:
            raise DatasetError(f"the layout {layout} fixes folders and classes: such options are for --layout folder")
        return Recognised(DatasetEntry(layout=layout, root=root), tuple(notes))
    if classes is not None and chosen.classes is None:
        notes.append(f"classes as {classes} names them")
    found = propose(root, chosen.hints, wishes_of(classes, chosen.wishes), chosen.read, progress or _silent)
    return Recognised(found.description, (*notes, *found.notes))


def _silent(done: int, total: int) -> None:
    """Show no progress."""
