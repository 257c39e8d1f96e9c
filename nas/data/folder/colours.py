"""Masks whose colours are classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import voc_palette
from nas.data.decode import Uint8, read_label_colours
from nas.data.errors import DatasetError
from nas.data.folder.description import as_colour, rgb

FIRST_COLOUR = "#303030"

Codes = NDArray[np.uint32]
"""Colours as numbers, 65536 red + 256 green + blue."""


@dataclass(frozen=True, eq=False)
class ColourTable:
    """Maps the colours of a mask to classes: the colour of code `codes[i]` to `classes[i]`; `codes` ascends."""

    codes: Codes
    classes: Uint8

    @classmethod
    def of(cls, mapping: Mapping[str, int]) -> Self:
        """Build the table of a mapping {colour #rrggbb: class or IGNORE}; any other colour is an error."""
        pairs = sorted((int(colour[1:], 16), target) for colour, target in mapping.items())
        return cls(np.array([code for code, _ in pairs], np.uint32), np.array([c for _, c in pairs], np.uint8))

    @property
    def signature(self) -> bytes:
        """Bytes that differ whenever the mapping does."""
        return b"colours" + self.codes.tobytes() + self.classes.tobytes()

    def read(self, path: Path) -> Uint8:
        """Read a mask and return the classes of its pixels, (H, W).

        Raises:
            DatasetError: The file is broken, or a colour is not in the table; the message names it.
        """
        return self.apply(read_label_colours(path), path)

    def apply(self, colours: Uint8, path: Path) -> Uint8:
        """Return the classes (H, W) of the colours (H, W, 3) of the mask `path`.

        Raises:
            DatasetError: A colour is not in the table; the message names it and `path`.
        """
        codes = colour_codes(colours)
        places = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        known = self.codes[places] == codes
        if not known.all():
            unknown = np.unique(codes[~known])
            names = ", ".join(code_text(int(code)) for code in unknown[:8])
            raise DatasetError(f"{path}: {names} of the mask's {len(np.unique(codes))} colours belong to no class")
        return self.classes[places]


def colour_codes(colours: Uint8) -> Codes:
    """Pack colours (..., 3) into one number each, (...)."""
    wide = colours.astype(np.uint32)
    return wide[..., 0] * np.uint32(65536) + wide[..., 1] * np.uint32(256) + wide[..., 2]


def code_text(code: int) -> str:
    """Write a packed colour as #rrggbb."""
    return f"#{code:06x}"


def distinct_colours(count: int) -> tuple[str, ...]:
    """Make `count` colours that differ from each other and from black, which shows ignored pixels.

    They are those of the PASCAL VOC colour map, but for a dark grey of the first, which often is the background.
    """
    return (FIRST_COLOUR, *(as_colour(*colour) for colour in voc_palette(count)[1:].tolist()))


def palette(colours: list[str]) -> Uint8:
    """Make the array (n, 3) of colours #rrggbb."""
    return np.array([rgb(colour) for colour in colours], np.uint8)
