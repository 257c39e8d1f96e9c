"""Footprints: what an operator reads of the feature map for the cell at the map's centre, drawn to scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from nas.drawing.palette import Role
from nas.drawing.reach import Reach
from nas.drawing.svg import Paint, circle, line, rect

SIDE = 96.0
"""Side of the square that a footprint fills, in units of the drawing."""

Pair = tuple[int, int]
"""Vertical and horizontal, in cells of the map or in bins."""

_LEAST_DOT = 1.7
_DOT = 0.42
"""Radius of a tap's dot: at least so many units, else this part of a cell."""


@dataclass(frozen=True)
class View:
    """What the squares of one drawing show: the map, and around it the cells that taps outside of it would read.

    Attributes:
        cells: Height and width of the map in cells.
        margin: Cells above and below the map, and to its left and right.
    """

    cells: Pair
    margin: Pair = (0, 0)

    @classmethod
    def around(cls, cells: Pair, rates: list[Pair]) -> View:
        """Choose the view that shows a map and all taps of 3x3 filters with these rates at its centre."""
        beyond = ([rate[axis] - cells[axis] // 2 for rate in rates] for axis in (0, 1))
        down, across = (max([0, *outside]) for outside in beyond)
        return cls(cells, (down, across))

    @property
    def cell(self) -> float:
        """Side of a cell in units of the drawing."""
        return SIDE / max(cells + 2 * margin for cells, margin in zip(self.cells, self.margin, strict=True))

    @property
    def centre(self) -> tuple[float, float]:
        """The point (x, y) in the middle of the cell at the map's centre."""
        left, top = self._corner
        return left + (self.cells[1] // 2 + 0.5) * self.cell, top + (self.cells[0] // 2 + 0.5) * self.cell

    @property
    def _corner(self) -> tuple[float, float]:
        # The map's upper left corner; the map is in the middle of the square.
        return (SIDE - self.cells[1] * self.cell) / 2, (SIDE - self.cells[0] * self.cell) / 2

    def contains(self, rate: Pair) -> bool:
        """Whether all taps of a 3x3 filter with this rate at the centre are inside the map."""
        return self._inside(-rate[0], -rate[1]) and self._inside(rate[0], rate[1])

    def map(self) -> list[Element]:
        """Draw the feature map."""
        height, width = (side * self.cell for side in self.cells)
        return [rect(*self._corner, width, height, Paint(fill="map"), radius=2)]

    def taps(self, rate: Pair, role: Role) -> list[Element]:
        """Draw the nine taps of a 3x3 filter: dots, and rings where a tap is outside the map and reads zero."""
        x, y = self.centre
        radius = max(_LEAST_DOT, _DOT * self.cell)
        dots = []
        for row in (-1, 0, 1):
            for column in (-1, 0, 1):
                down, across = row * rate[0], column * rate[1]
                paint = Paint(fill=role) if self._inside(down, across) else Paint(stroke=role, width=0.8)
                dots.append(circle(x + across * self.cell, y + down * self.cell, radius, paint))
        return dots

    def _inside(self, down: int, across: int) -> bool:
        return all(0 <= cells // 2 + offset < cells for cells, offset in zip(self.cells, (down, across), strict=True))

    def point(self, role: Role) -> list[Element]:
        """Draw the one cell that a 1x1 convolution reads."""
        return [circle(*self.centre, max(2.4, _DOT * self.cell), Paint(fill=role))]

    def grid(self, bins: Pair, role: Role) -> list[Element]:
        """Draw the borders of the equal bins that a pooling's grid divides the map into."""
        left, top = self._corner
        height, width = (side * self.cell for side in self.cells)
        paint = Paint(stroke=role, width=0.8)
        inner = [rect(left, top, width, height, paint)]
        inner += [
            line(left, y, left + width, y, paint) for y in (top + height * i / bins[0] for i in range(1, bins[0]))
        ]
        inner += [line(x, top, x, top + height, paint) for x in (left + width * i / bins[1] for i in range(1, bins[1]))]
        return inner

    def window(self, size: Pair, role: Role) -> list[Element]:
        """Draw a window of (height, width) cells around the centre, cut to the map."""
        rows, columns = (
            (max(0.0, cells // 2 + 0.5 - length / 2), min(float(cells), cells // 2 + 0.5 + length / 2))
            if length < cells
            else (0.0, float(cells))
            for length, cells in zip(size, self.cells, strict=True)
        )
        return [self._part(rows, columns, Paint(fill=role, opacity=0.38))]

    def reach(self, reach: Reach) -> list[Element]:
        """Draw the dashed outline of all that is reached."""
        rows, columns = ((span.first, span.last + 1) for span in reach)
        return [self._part(rows, columns, Paint(fill="wire", stroke="wire", width=1, dash=2.5, opacity=0.16))]

    def _part(self, rows: tuple[float, float], columns: tuple[float, float], paint: Paint) -> Element:
        # A part of the map from a row to another and from a column to another, in cells.
        (left, top), (height, width) = self._corner, (rows[1] - rows[0], columns[1] - columns[0])
        x, y = left + columns[0] * self.cell, top + rows[0] * self.cell
        return rect(x, y, width * self.cell, height * self.cell, paint, radius=1)

    def whole(self, role: Role) -> list[Element]:
        """Draw that all cells of the map are read."""
        return self.window(self.cells, role)

    def rays(self, role: Role) -> list[Element]:
        """Draw the sign of attention: cells all over the map, each with a line to the centre."""
        return self._signs(role, [(x, y) for x in (-3, -1, 1, 3) for y in (-3, -1, 1, 3)], rim=False)

    def graph(self, role: Role) -> list[Element]:
        """Draw the sign of reasoning over a graph: six nodes in a ring, each with a line to some others."""
        nodes = [(3 * math.cos(i * math.pi / 3), 3 * math.sin(i * math.pi / 3)) for i in range(6)]
        return self._signs(role, nodes, rim=True)

    def _signs(self, role: Role, places: list[tuple[float, float]], rim: bool) -> list[Element]:
        x, y = self.centre
        step = min(self.cells) * self.cell / 9
        points = [(x + across * step, y + down * step) for across, down in places]
        paint = Paint(stroke=role, width=0.9)
        ends = [*points[1:], points[0]] if rim else []
        lines = [line(*a, *b, paint) for a, b in zip(points, ends, strict=False)]
        lines += [line(*point, x, y, paint) for point in points]
        dots = [circle(*point, 2.6 if rim else 1.7, Paint(fill=role)) for point in points]
        return [*lines, *dots, circle(x, y, 2.6, Paint(fill=role))]
