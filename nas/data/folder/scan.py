"""Reads all masks of a folder once, and counts which values or colours they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from nas.data.decode import read_label_colours, read_label_values
from nas.data.errors import DatasetError
from nas.data.folder.colours import code_text, colour_codes
from nas.data.folder.description import MOST_CLASSES, Label, as_colour
from nas.readers import READERS

Progress = Callable[[int, int], None]
"""Called with (masks read, masks to read)."""

Reading = Literal["values", "colours"]

_MOST_COLOURS = MOST_CLASSES + 1
"""Classes and one ignored colour."""


@dataclass(frozen=True)
class Scan:
    """What the masks of a folder hold.

    Attributes:
        read: Whether the masks were read as values or as colours.
        pixels: Number of pixels of each label.
        first: The first mask with each label.
        files: Number of masks.
    """

    read: Reading
    pixels: dict[Label, int]
    first: dict[Label, Path]
    files: int


def scan_masks(masks: Sequence[Path], read: Reading, progress: Progress) -> Scan:
    """Read all masks and count their labels.

    Raises:
        DatasetError: A mask is broken, or has more colours than there can be classes.
    """
    pixels: Counter[Label] = Counter()
    first: dict[Label, Path] = {}
    count = _count_values if read == "values" else _count_colours
    with ThreadPoolExecutor(READERS, thread_name_prefix="masks") as pool:
        for done, (path, counts) in enumerate(zip(masks, pool.map(count, masks), strict=True), 1):
            for label in counts:
                first.setdefault(label, path)
            pixels.update(counts)
            if len(pixels) > _MOST_COLOURS:
                raise DatasetError(_too_many(path, len(counts), len(pixels)))
            progress(done, len(masks))
    return Scan(read, dict(sorted(pixels.items(), key=lambda item: str(item[0]).zfill(3))), first, len(masks))


def choose_reading(masks: Sequence[Path], colours: Sequence[str] | None) -> tuple[Reading, str | None]:
    """Decide from the masks' headers whether their values or their colours say the class.

    RGB masks are read as colours. A palette image holds both: its values are read, unless the palette of a file gives
    an index another colour than the class of that number has.

    Args:
        masks: All masks.
        colours: The colour of each class, where a file of classes gives them.

    Returns:
        The decision, and a sentence about it where a reader might expect another.

    Raises:
        DatasetError: A mask is unreadable, or palettes contradict each other and no colours decide.
    """
    palettes: dict[int, tuple[str, Path]] = {}
    for path in masks:
        mode, palette = _header(path)
        if mode not in _VALUE_MODES:
            return "colours", None
        for index, colour in palette.items():
            if colours is not None and colour in colours and (index >= len(colours) or colours[index] != colour):
                return "colours", "the palettes number the colours otherwise than the classes: colours are read"
            known, other = palettes.setdefault(index, (colour, path))
            if colours is None and known != colour:
                raise DatasetError(
                    f"index {index} is {colour} in {path} and {known} in {other}: a file of classes with colours "
                    f"(--classes) reads the masks by colour, --read values by index"
                )
    return "values", None


_VALUE_MODES = ("1", "L", "P", "LA", "PA", "I", "I;16", "I;16B", "I;16L", "I;16N")


def _header(path: Path) -> tuple[str, dict[int, str]]:
    """The mode of a mask, and the colours of the indices that occur where the mask is a palette image."""
    try:
        with Image.open(path) as image:
            if image.mode != "P":
                return image.mode, {}
            table = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3).tolist()
            used = [index for index, count in enumerate(image.histogram()[:256]) if count and index < len(table)]
            return "P", {index: as_colour(*table[index]) for index in used}
    except (OSError, ValueError, SyntaxError):
        read_label_values(path)  # says what is wrong in a sentence
        raise


def _count_values(path: Path) -> Counter[Label]:
    counts = np.bincount(read_label_values(path).reshape(-1), minlength=256)
    return Counter({int(value): int(counts[value]) for value in np.flatnonzero(counts)})


def _count_colours(path: Path) -> Counter[Label]:
    codes, counts = np.unique(colour_codes(read_label_colours(path)), return_counts=True)
    if len(codes) > _MOST_COLOURS:
        raise DatasetError(_too_many(path, len(codes), len(codes)))
    return Counter({code_text(int(code)): int(count) for code, count in zip(codes, counts, strict=True)})


def _too_many(path: Path, colours: int, together: int) -> str:
    return (
        f"the masks have {together} or more colours ({colours} in {path}), and there are at most {MOST_CLASSES} "
        f"classes: are they drawn with soft edges, or photographs? Export them without smoothing"
    )
