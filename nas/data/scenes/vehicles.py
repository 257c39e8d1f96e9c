"""Long vehicles across the street, which differ only in their front, and cars and motorcycles near the camera.

A long vehicle is a truck, a bus or a train depending on the colours of its *front*, at either end: a cue sideways, 0 to
11 cells away from the rest of the body.
"""

from __future__ import annotations

from nas.data.scenes.canvas import UNITS_WIDE, Canvas
from nas.data.scenes.draws import Draws
from nas.data.scenes.materials import paint
from nas.data.scenes.street import Street

LONG = ("bus", "truck", "train")
LONG_WEIGHTS = (50, 30, 20)
FRONT = 18
"""Length of a front in units."""

Interval = tuple[int, int]


def paint_long_vehicles(canvas: Canvas, street: Street, draws: Draws) -> list[Interval]:
    """Paint one or two vehicles that do not touch; return the columns [left, right) of their fronts.

    The fronts are the cues, so nothing may be painted over them.
    """
    fronts = []
    left = draws.between(-10, 60)
    for _ in range(1 + draws.below(2)):
        length = draws.between(64, 104)
        if left + length > UNITS_WIDE + 10:
            break
        fronts.append(_paint_long(canvas, street, (left, left + length), draws))
        left += length + draws.between(16, 50)
    return fronts


def _paint_long(canvas: Canvas, street: Street, across: Interval, draws: Draws) -> Interval:
    kind = LONG[draws.weighted(LONG_WEIGHTS)]
    left, right = across
    depth = draws.between(8, 13)
    bottom = street.horizon + depth
    top = bottom - 15 - depth
    canvas.rectangle(left, top, right, bottom - 3, paint("body", kind))
    canvas.rectangle(left, top + 5, right, top + 10, paint("glass", kind))
    at_left = left >= 0 and (right > UNITS_WIDE or draws.percent(50))  # at an end that is in the picture
    front = (left, left + FRONT) if at_left else (right - FRONT, right)
    canvas.rectangle(front[0], top, front[1], bottom - 3, paint(f"front of a {kind}", kind))
    for x in range(left + 10, right - 6, 26):
        canvas.disc(x, bottom - 4, 4, paint("wheel", kind))
    return front


def paint_near_vehicles(canvas: Canvas, street: Street, draws: Draws) -> None:
    """Paint at most one vehicle per lane, larger when nearer, whose class is visible from its own appearance."""
    for direction in (-1, 1):
        kind = draws.weighted((30, 45, 25))
        bottom = draws.between(96, 124)
        near = bottom - street.horizon
        x = street.middle(bottom) + direction * (22 + near // 3 + draws.between(0, 6))
        if kind == 1:
            _paint_car(canvas, x, bottom, 10 + near // 4)
        elif kind == 2:
            _paint_motorcycle(canvas, x, bottom, 5 + near // 7)


def _paint_car(canvas: Canvas, x: int, bottom: int, half: int) -> None:
    canvas.rectangle(
        x - half * 2 // 3, bottom - half - half // 2, x + half * 2 // 3, bottom - half, paint("car", "car")
    )
    canvas.rectangle(x - half // 2, bottom - half - half // 3, x + half // 2, bottom - half, paint("glass", "car"))
    canvas.rectangle(x - half, bottom - half, x + half, bottom - half // 4, paint("car", "car"))
    for side in (-1, 1):
        canvas.disc(x + side * half * 3 // 5, bottom - half // 4, max(2, half // 4), paint("wheel", "car"))


def _paint_motorcycle(canvas: Canvas, x: int, bottom: int, half: int) -> None:
    canvas.rectangle(x - half, bottom - 2 * half, x + half, bottom - half // 2, paint("motorcycle", "motorcycle"))
    for side in (-1, 1):
        canvas.disc(x + side * half, bottom - half // 2, half // 2 + 1, paint("motorcycle", "motorcycle"))
