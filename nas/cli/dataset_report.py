"""What `segnas data add` and `segnas data inspect` say about a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.formatting import counted

if TYPE_CHECKING:
    from nas.data.dataset import SegmentationDataset
    from nas.data.inspect import SplitReport


@dataclass(frozen=True)
class Report:
    """What is known of a data set.

    Attributes:
        lines: In words.
        facts: The same, to be written as JSON.
    """

    lines: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def errors(self) -> tuple[str, ...]:
        """Why no training is possible; empty where it is."""
        return tuple(found["message"] for found in self.facts["findings"] if found["severity"] == "error")

    @property
    def broken(self) -> bool:
        """Whether no training is possible."""
        return bool(self.errors)


def report(opened: SegmentationDataset, notes: Sequence[str], images: int | None) -> Report:
    """Read images of a data set and say what is in them, with warnings and errors.

    Args:
        opened: The data set.
        notes: Sentences about how it is read.
        images: Images to read of each split; None reads all.

    Raises:
        DatasetError: A file is missing or broken.
    """
    from nas.cli.progress import stages
    from nas.data.inspect import check
    from nas.data.inspect import inspect as look

    with stages() as shown:
        opened.read_files(lambda done, total: shown("files", done, total))
        lines = [f"{opened.name_of_layout}, {counted(opened.num_classes, 'class', 'classes')}, key {opened.key[:12]}"]
        lines += [f"  {note}" for note in notes]
        splits = look(opened, images, lambda done, total: shown("images", done, total))
    for split in splits:
        sizes = ", ".join(f"{height}x{width}" for height, width in split.sizes[:4])
        more = ", ..." if len(split.sizes) > 4 else ""
        read = f"{split.read} read: {sizes}{more}"
        lines.append(f"  {split.name}: {counted(split.items, 'image')} ({read}), {split.ignored:.1%} unlabelled")
    if opened.appearance is not None:
        warm_up = counted(len(opened.appearance), "image")
        classes = counted(opened.appearance_classes, "appearance class", "appearance classes")
        lines.append(f"  warm-up: {warm_up} with {classes}")
    lines += _shares(opened.class_names, splits)
    findings = check(opened, splits)
    lines += [f"{severity}: {message}" for severity, message in findings]
    facts = {
        "layout": opened.name_of_layout,
        "key": opened.key,
        "classes": list(opened.class_names),
        "notes": list(notes),
        "splits": [asdict(split) for split in splits],
        "findings": [{"severity": str(severity), "message": message} for severity, message in findings],
    }
    return Report(tuple(lines), facts)


def draw(opened: SegmentationDataset, mosaic: Path) -> None:
    """Draw samples of a data set into a PNG file."""
    from nas.data.inspect import write_mosaic

    mosaic.parent.mkdir(parents=True, exist_ok=True)
    write_mosaic(opened, mosaic)


def _shares(class_names: Sequence[str], splits: Sequence[SplitReport]) -> Iterator[str]:
    """Each class's share of the labelled pixels, and how many of the images read show the class."""
    width = max(map(len, ("pixels, images", *class_names)))
    yield f"  {'pixels, images':<{width}}" + "".join(f"{split.name:>16}" for split in splits)
    for index, name in enumerate(class_names):
        cells = (f"{split.shares[index]:9.2%}{split.images[index]:7}" for split in splits)
        yield f"  {name:<{width}}" + "".join(cells)
