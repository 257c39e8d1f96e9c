"""Small signs of Auto-DeepLab's operators: the cells that a kernel reads, to scale."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from nas.drawing.palette import Role
from nas.drawing.svg import Paint, arrow, circle, rect
from search_spaces.auto_deeplab.architecture import Operator

GLYPH = 24.0
"""Side of a sign's square, which shows nine cells: what a 5x5 kernel of rate 2 reads."""

_CELL = GLYPH / 9.6
_KERNELS: dict[Operator, tuple[int, int]] = {
    "sep_3x3": (1, 1),
    "sep_5x5": (2, 1),
    "atrous_3x3": (1, 2),
    "atrous_5x5": (2, 2),
}
"""Taps on each side of the centre, and the rate."""


def glyph(operator: Operator, role: Role, left: float, y: float) -> list[Element]:
    """Draw the sign of an operator, centred vertically at y."""
    x = left + GLYPH / 2
    background = rect(left, y - GLYPH / 2, GLYPH, GLYPH, Paint(fill="map"), radius=3)
    if operator in _KERNELS:
        half, rate = _KERNELS[operator]
        steps = [step * rate * _CELL for step in range(-half, half + 1)]
        return [background, *(circle(x + a, y + b, 1.05, Paint(fill=role)) for b in steps for a in steps)]
    if operator.endswith("pool_3x3"):
        side = 3 * _CELL
        paint = Paint(fill=role, stroke=role, width=1.6, opacity=1 if operator.startswith("max") else 0.3)
        return [background, rect(x - side / 2, y - side / 2, side, side, paint)]
    return [background, *arrow([(left + 4, y), (left + GLYPH - 3, y)])]
