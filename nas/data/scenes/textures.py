"""Brightness patterns a few pixels wide, within any backbone's receptive field and the same for a group of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Int16 = NDArray[np.int16]

PERIOD = 48
"""Pixels after which every pattern repeats, in both directions."""


def _patterns() -> dict[str, Int16]:
    """Return (PERIOD, PERIOD) brightness offsets by name; each has a mean of about zero."""
    y, x = np.indices((PERIOD, PERIOD))
    leaves = (x * x * 7 + y * y * 11 + x * y * 5) // 3 % 7  # looks irregular, repeats exactly
    window = (x % 12 >= 4) & (x % 12 < 9) & (y % 12 >= 3) & (y % 12 < 9)
    return {
        "plain": np.zeros((PERIOD, PERIOD), np.int16),
        "grain": (((x // 2 + y // 2) % 2) * 12 - 6).astype(np.int16),
        "slabs": (((x // 6 + y // 4) % 2) * 22 - 11).astype(np.int16),
        "checks": (((x // 3 + y // 3) % 2) * 44 - 22).astype(np.int16),
        "stripes": ((x // 2 % 2) * 40 - 20).astype(np.int16),
        "panels": ((y // 4 % 2) * 26 - 13).astype(np.int16),
        "leaves": (leaves * 14 - 42).astype(np.int16),
        "windows": (np.where(window, -46, 10) + ((y // 3 % 2) * 8 - 4)).astype(np.int16),
    }


TEXTURES = _patterns()
