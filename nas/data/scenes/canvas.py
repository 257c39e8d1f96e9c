"""A canvas that paints labels and materials together, in units: a scene of any size in pixels is 128 units high."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import IGNORE, Uint8
from nas.data.scenes.materials import Paint

UNITS_HIGH, UNITS_WIDE = 128, 256
"""Height and width of a scene in units."""

Ints = NDArray[np.int64]


class Canvas:
    """Two maps (height, width), of labels and of materials, painted back to front.

    All coordinates are integers in units; x grows to the right, y downwards.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.height, self.width = size
        self.labels: Uint8 = np.full(size, IGNORE, np.uint8)
        self.materials: Uint8 = np.zeros(size, np.uint8)
        self._rows = np.arange(self.height)[:, None]
        self._columns = np.arange(self.width)[None, :]

    def pixels(self, units: int) -> int:
        """Convert units to pixels, rounded down."""
        return units * self.height // UNITS_HIGH

    def rectangle(self, left: int, top: int, right: int, bottom: int, paint: Paint) -> None:
        """Fill [left, right) x [top, bottom)."""
        y0, y1 = (min(max(self.pixels(v), 0), self.height) for v in (top, bottom))
        x0, x1 = (min(max(self.pixels(v), 0), self.width) for v in (left, right))
        self.materials[y0:y1, x0:x1] = paint.material
        if paint.label is not None:
            self.labels[y0:y1, x0:x1] = paint.label

    def disc(self, x: int, y: int, radius: int, paint: Paint) -> None:
        """Fill the disc around (x, y)."""
        cx, cy, r = self.pixels(x), self.pixels(y), self.pixels(radius)
        y0, y1 = max(cy - r, 0), min(cy + r + 1, self.height)
        x0, x1 = max(cx - r, 0), min(cx + r + 1, self.width)
        inside = (self._rows[y0:y1] - cy) ** 2 + (self._columns[:, x0:x1] - cx) ** 2 <= r * r
        self._fill((slice(y0, y1), slice(x0, x1)), inside, paint)

    def between_rows(self, left: int, right: int, top: tuple[int, int], bottom: tuple[int, int], paint: Paint) -> None:
        """Fill the columns [left, right) between two slanted lines, each given by its y at `left` and at `right`."""
        x0, x1 = (min(max(self.pixels(v), 0), self.width) for v in (left, right))
        upper, lower = self._line(top, left, right, x0, x1), self._line(bottom, left, right, x0, x1)
        inside = (self._rows >= upper[None, :]) & (self._rows < lower[None, :])
        self._fill((slice(None), slice(x0, x1)), inside, paint)

    def between_columns(
        self, top: int, bottom: int, left: tuple[int, int], right: tuple[int, int], paint: Paint
    ) -> None:
        """Fill the rows [top, bottom) between two slanted lines, each given by its x at `top` and at `bottom`."""
        y0, y1 = (min(max(self.pixels(v), 0), self.height) for v in (top, bottom))
        west, east = self._line(left, top, bottom, y0, y1), self._line(right, top, bottom, y0, y1)
        inside = (self._columns >= west[:, None]) & (self._columns < east[:, None])
        self._fill((slice(y0, y1), slice(None)), inside, paint)

    def _line(self, ends: tuple[int, int], first: int, last: int, start: int, stop: int) -> Ints:
        """Return a line's position in pixels at each of the pixels start..stop-1 of the other axis.

        The line goes through (first, ends[0]) and (last, ends[1]), in units.
        """
        along = np.arange(start, stop) * UNITS_HIGH - first * self.height
        span = (last - first) * self.height
        return (ends[0] * span + (ends[1] - ends[0]) * along) * self.height // (span * UNITS_HIGH)

    def _fill(self, window: tuple[slice, slice], inside: NDArray[np.bool_], paint: Paint) -> None:
        self.materials[window][inside] = paint.material
        if paint.label is not None:
            self.labels[window][inside] = paint.label
