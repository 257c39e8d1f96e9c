"""Poles with a plate, which is a traffic light or sign depending on the colour of the *foot*, 9 cells below."""

from __future__ import annotations

from nas.data.scenes.canvas import Canvas
from nas.data.scenes.draws import Draws
from nas.data.scenes.materials import paint
from nas.data.scenes.street import Street

LIGHTS = 67
"""Percentage of traffic lights among the plates."""


def paint_pole(canvas: Canvas, street: Street, x: int, draws: Draws) -> None:
    """Paint a thin pole at column x with a plate and a foot."""
    kind = "light" if draws.percent(LIGHTS) else "sign"
    depth = draws.between(31, 37)
    foot = street.horizon + depth
    plate = foot - 72 - 2 * (depth - 34)
    canvas.rectangle(x - 2, plate, x + depth // 17, foot, paint("pole", "pole"))
    canvas.rectangle(x - 10, plate - 11, x + 10, plate + 11, paint("plate", f"traffic {kind}"))
    canvas.rectangle(x - 7, foot - 7, x + 8, foot + 7, paint(f"foot of a {kind}", "pole"))
