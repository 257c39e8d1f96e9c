"""What `segnas data add` and `segnas data inspect` say about a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nas.data.dataset import SegmentationDataset
    from nas.data.inspect import SplitReport


def report(opened: SegmentationDataset, notes: Sequence[str], images: int | None, mosaic: Path | None) -> bool:
    """Read images of a data set and print what is in them, with warnings and errors.

    Args:
        opened: The data set.
        notes: Sentences about how it is read.
        images: Images to read of each split; None reads all.
        mosaic: PNG file for samples; None draws none.

    Returns:
        Whether there are errors, with which no training is possible.

    Raises:
        DatasetError: A file is missing or broken.
    """
    from nas.cli.progress import stages
    from nas.data.inspect import check
    from nas.data.inspect import inspect as look

    print(f"{opened.name_of_layout}, {opened.num_classes} classes, key {opened.key[:12]}")
    for note in notes:
        print(f"  {note}")
    with stages() as shown:
        splits = look(opened, images, lambda done, total: shown("images", done, total))
    for split in splits:
        sizes = ", ".join(f"{height}x{width}" for height, width in split.sizes[:4])
        more = ", ..." if len(split.sizes) > 4 else ""
        print(
            f"  {split.name}: {split.items} images ({split.read} read: {sizes}{more}), {split.ignored:.1%} unlabelled"
        )
    if opened.appearance is not None:
        print(f"  warm-up: {len(opened.appearance)} images with {opened.appearance_classes} appearance classes")
    _print_shares(opened.class_names, splits)
    if mosaic is not None:
        draw(opened, mosaic)
    findings = check(opened, splits)
    for severity, message in findings:
        print(f"{severity}: {message}")
    return any(severity == "error" for severity, _ in findings)


def draw(opened: SegmentationDataset, mosaic: Path) -> None:
    """Draw samples of a data set into a PNG file."""
    from nas.data.inspect import write_mosaic

    mosaic.parent.mkdir(parents=True, exist_ok=True)
    write_mosaic(opened, mosaic)
    print(f"samples in {mosaic}")


def _print_shares(class_names: Sequence[str], splits: Sequence[SplitReport]) -> None:
    """Print each class's share of the labelled pixels, and how many of the images read show the class."""
    width = max(map(len, class_names))
    print(f"  {'pixels, images':<{width}}" + "".join(f"{split.name:>16}" for split in splits))
    for index, name in enumerate(class_names):
        cells = (f"{split.shares[index]:9.2%}{split.images[index]:7}" for split in splits)
        print(f"  {name:<{width}}" + "".join(cells))
