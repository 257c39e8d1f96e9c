"""The shapes that drawings are made of, as elements of SVG; all text is escaped when a drawing is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from xml.etree.ElementTree import Element

from nas.drawing.palette import PALETTE, Role
from nas.escaping import one_line

Anchor: TypeAlias = Literal["start", "middle", "end"]

ARROW = 5.0
"""Length of an arrow's head in units of the drawing."""


@dataclass(frozen=True)
class Paint:
    """How a shape is painted.

    Attributes:
        fill: Role of the colour inside; None leaves the inside empty.
        stroke: Role of the colour of the outline; None draws none.
        width: Width of the outline.
        dash: Length of the dashes of the outline; None for a solid line.
        opacity: Of the inside, from 0 to 1.
    """

    fill: Role | None = None
    stroke: Role | None = None
    width: float = 1.0
    dash: float | None = None
    opacity: float = 1.0

    def attributes(self) -> dict[str, str]:
        """Write the paint as attributes: colours on a light background, and classes for the stylesheet."""
        written = {"fill": "none" if self.fill is None else PALETTE[self.fill].light}
        classes = [] if self.fill is None else [f"f-{self.fill}"]
        if self.fill is not None and self.opacity < 1:
            written["fill-opacity"] = number(self.opacity)
        if self.stroke is not None:
            written |= {"stroke": PALETTE[self.stroke].light, "stroke-width": number(self.width)}
            classes.append(f"s-{self.stroke}")
            if self.dash is not None:
                written["stroke-dasharray"] = number(self.dash)
        return {**written, "class": " ".join(classes)} if classes else written


WIRE = Paint(stroke="wire", width=1.4)
"""The paint of lines along which feature maps flow."""


def number(value: float) -> str:
    """Write a number with at most two decimals, the same on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def rect(x: float, y: float, width: float, height: float, paint: Paint, *, radius: float = 0.0) -> Element:
    """Make a rectangle with its upper left corner at (x, y), with round corners where there is a `radius`."""
    place = {"x": number(x), "y": number(y), "width": number(width), "height": number(height)}
    corners = {"rx": number(radius)} if radius else {}
    return Element("rect", place | corners | paint.attributes())


def circle(x: float, y: float, radius: float, paint: Paint) -> Element:
    """Make a circle around (x, y)."""
    return Element("circle", {"cx": number(x), "cy": number(y), "r": number(radius)} | paint.attributes())


def line(x1: float, y1: float, x2: float, y2: float, paint: Paint) -> Element:
    """Make a straight line."""
    ends = {"x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2)}
    return Element("line", ends | {"stroke-linecap": "round"} | paint.attributes())


def polyline(points: Iterable[tuple[float, float]], paint: Paint, radius: float = 0.0) -> Element:
    """Make a line through points, whose corners are round where there is a `radius`.

    Args:
        points: At least two; no two that follow each other are equal.
        paint: Of the line.
        radius: Of the corners, at most half the distance between two points.
    """
    first, *inner, last = points
    steps = [f"M{_point(first)}"]
    before = first
    for corner, after in zip(inner, [*inner, last][1:], strict=True):
        steps.append(f"L{_point(_towards(corner, before, radius))}")
        steps.append(f"Q{_point(corner)} {_point(_towards(corner, after, radius))}")
        before = corner
    steps.append(f"L{_point(last)}")
    return Element("path", {"d": "".join(steps), "stroke-linejoin": "round"} | paint.attributes())


def arrow(points: Iterable[tuple[float, float]], paint: Paint = WIRE, radius: float = 0.0) -> list[Element]:
    """Make a line through points whose last one has the head of an arrow; its last part is horizontal or vertical."""
    *before, (x, y) = points
    back_x, back_y = _towards((x, y), before[-1], ARROW)
    side_x, side_y = (back_y - y) * 0.6, (back_x - x) * 0.6
    corners = ((x, y), (back_x + side_x, back_y + side_y), (back_x - side_x, back_y - side_y))
    head = f"M{'L'.join(map(_point, corners))}Z"
    return [
        polyline([*before, (back_x, back_y)], paint, radius),
        Element("path", {"d": head} | Paint(fill=paint.stroke).attributes()),
    ]


def text(
    x: float, y: float, string: str, size: float, fill: Role = "ink", *, anchor: Anchor = "start", bold: bool = False
) -> Element:
    """Make a line of text whose baseline is at y; what cannot be seen in it is written as its escape."""
    place = {"x": number(x), "y": number(y), "font-size": number(size)}
    look = {"text-anchor": anchor} if anchor != "start" else {}
    weight = {"font-weight": "600"} if bold else {}
    element = Element("text", place | look | weight | Paint(fill=fill).attributes())
    element.text = one_line(string)
    return element


def upright_text(x: float, y: float, string: str, size: float, fill: Role) -> Element:
    """Make a line of text that reads from top to bottom, centred at (x, y)."""
    element = text(x, y + size * 0.36, string, size, fill, anchor="middle", bold=True)
    element.set("transform", f"rotate(90 {number(x)} {number(y)})")
    return element


def group(shapes: Iterable[Element], x: float = 0.0, y: float = 0.0) -> Element:
    """Make a group of shapes that are moved by (x, y)."""
    element = Element("g", {"transform": f"translate({number(x)} {number(y)})"} if x or y else {})
    element.extend(shapes)
    return element


def _point(point: tuple[float, float]) -> str:
    return f"{number(point[0])},{number(point[1])}"


def _towards(start: tuple[float, float], end: tuple[float, float], distance: float) -> tuple[float, float]:
    # The point at a distance from `start` on the way to `end`.
    length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    part = min(1.0, distance / length)
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part
