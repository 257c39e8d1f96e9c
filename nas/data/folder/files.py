"""The suffixes by which the names of an image and its mask differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

_SEPARATORS = "_-. "


class Suffixes(NamedTuple):
    """What the stems of images and of masks have more than the name that they share."""

    image: str = ""
    mask: str = ""


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
