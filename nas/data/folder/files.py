"""Image files of a folder by their stem, and the suffixes by which images and masks of one stem differ."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from nas.data.decode import SUFFIXES
from nas.data.errors import DatasetError

_SEPARATORS = "_-. "


class Suffixes(NamedTuple):
    """What the stems of images and of masks have more than the name that they share."""

    image: str = ""
    mask: str = ""


def image_files(folder: Path) -> dict[str, Path]:
    """List the image files of a folder by stem, in the order of the stems; the stem of `scan.1.png` is `scan.1`.

    Hidden files, which some systems leave behind, and files of other kinds are passed over.

    Raises:
        DatasetError: The folder is missing or unreadable, or two files have the same stem.
    """
    found: dict[str, Path] = {}
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _is_image(entry.name) and entry.is_file())
    except OSError as error:
        raise DatasetError(f"{folder} is not a readable folder ({error.strerror})") from error
    for name in names:
        stem = stem_of(name)
        if stem in found:
            raise DatasetError(f"{folder} has both {found[stem].name} and {name}; one image must have one file")
        found[stem] = folder / name
    return dict(sorted(found.items()))


def stem_of(name: str) -> str:
    """Return a name without the extension of an image file; composed, since macOS takes letters and accents apart."""
    path = Path(name)
    return unicodedata.normalize("NFC", path.stem if path.suffix.lower() in SUFFIXES else path.name)


def _is_image(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def without_suffix(files: dict[str, Path], suffix: str) -> dict[str, Path]:
    """Return the files whose stem ends in `suffix`, by what precedes it."""
    return {stem.removesuffix(suffix): path for stem, path in files.items() if stem.endswith(suffix) and stem != suffix}


def find_suffixes(images: Collection[str], masks: Collection[str]) -> Suffixes | None:
    """Find the suffixes with which most stems of images and masks fit together.

    A suffix is one that all stems of the folder have and that begins with one of `_-. `; none is preferred.

    Returns:
        The suffixes, or None where no image fits any mask.
    """
    best, most = None, 0
    for image in _common_suffixes(images):
        for mask in _common_suffixes(masks):
            shared = {stem.removesuffix(image) for stem in images} & {stem.removesuffix(mask) for stem in masks}
            if len(shared) > most:
                best, most = Suffixes(image, mask), len(shared)
    return best


def find_mask_suffix(stems: Collection[str]) -> str | None:
    """Find the suffix of the masks in a folder that holds images and masks: `a` and `a_mask` give `_mask`."""
    known = set(stems)
    counts = Counter(stem[place:] for stem in known for place in _separators(stem) if stem[:place] in known)
    return max(counts, key=lambda suffix: (counts[suffix], -len(suffix), suffix)) if counts else None


def _common_suffixes(stems: Collection[str]) -> Iterator[str]:
    """The empty suffix, then those that all stems share, the shortest first."""
    yield ""
    turned = [stem[::-1] for stem in stems]
    first, last = min(turned), max(turned)  # what these two share, all between them share
    length = next(
        (place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    shared = first[:length][::-1]
    for place in reversed(list(_separators(shared))):
        yield shared[place:]


def _separators(text: str) -> Iterator[int]:
    return (place for place, letter in enumerate(text) if letter in _SEPARATORS)
