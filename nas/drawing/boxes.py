"""Boxes with a few lines of text, which the diagrams of heads and units are made of."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from nas.drawing.palette import Role
from nas.drawing.svg import Paint, circle, line, rect, text
from nas.drawing.typesetting import text_width

NAME, DETAIL = 11.5, 10.5
"""Font sizes of the first line and of the others."""

BADGE = 11.0
"""Font size of a number on a disc."""

PLUS = 8.0
"""Radius of the sign of a sum."""


def box(left: float, top: float, width: float, height: float, lines: Sequence[str], *, role: Role) -> list[Element]:
    """Draw a box with its lines in the middle, the first one bold."""
    middle = left + width / 2
    paint = Paint(fill="map" if role == "map" else "card", stroke="wire" if role == "map" else role, width=1.2)
    first = top + (height - _height(lines)) / 2 + NAME * 0.82
    shapes = [
        rect(left, top, width, height, paint, radius=6),
        text(middle, first, lines[0], NAME, anchor="middle", bold=True),
    ]
    for row, detail in enumerate(lines[1:], 1):
        shapes.append(text(middle, first + 14.5 * row, detail, DETAIL, "muted", anchor="middle"))
    return shapes


def _height(lines: Sequence[str]) -> float:
    return NAME + 14.5 * (len(lines) - 1)


def box_height(lines: Sequence[str]) -> float:
    """Return the height of a box that holds so many lines."""
    return _height(lines) + 16


def box_width(lines: Sequence[str]) -> float:
    """Return the width of the narrowest box that holds the lines."""
    name, *details = lines
    return max([text_width(name, NAME, bold=True), *(text_width(detail, DETAIL) for detail in details)]) + 8


def badge(x: float, y: float, number: int, role: Role) -> list[Element]:
    """Draw a number on a disc around (x, y)."""
    return [
        circle(x, y, badge_radius(number), Paint(fill=role)),
        text(x, y + BADGE * 0.36, str(number), BADGE, "surface", anchor="middle", bold=True),
    ]


def badge_radius(number: int) -> float:
    """Return the radius of a number's disc."""
    return text_width(str(number), BADGE, bold=True) / 2 + 4.5


def plus(x: float, y: float) -> list[Element]:
    """Draw the sign of a sum around (x, y)."""
    stroke = Paint(stroke="wire", width=1.4)
    return [
        circle(x, y, PLUS, Paint(fill="surface", stroke="wire", width=1.4)),
        line(x - 4, y, x + 4, y, stroke),
        line(x, y - 4, x, y + 4, stroke),
    ]
