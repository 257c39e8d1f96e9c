"""People and bicycles: a person with a bicycle some distance *below* (nearer to the camera) is a rider.

The bicycle is about 6 cells under the torso. Other bicycles stand in the columns of poles, so that a bicycle somewhere
in the image is no cue.
"""

from __future__ import annotations

from nas.data.scenes.canvas import Canvas
from nas.data.scenes.draws import Draws
from nas.data.scenes.materials import paint
from nas.data.scenes.street import Street

RIDERS = 35
"""Percentage of the people."""


def paint_person(canvas: Canvas, street: Street, x: int, draws: Draws) -> None:
    """Paint a person at column x, a rider with a bicycle below in some cases."""
    rider = draws.percent(RIDERS)
    look = paint("person", "rider" if rider else "person")
    depth = draws.between(10, 17)
    half, tall, bottom = 5 + depth // 3, 15 + depth, street.horizon + depth
    canvas.disc(x, bottom - tall, half - 3, look)
    canvas.rectangle(x - half, bottom - tall, x + half, bottom, look)
    for foot in (x - half + 1, x + half - 3):
        canvas.rectangle(foot, bottom, foot + 2, bottom + 5, look)
    if rider:
        paint_bicycle(canvas, x + draws.between(-2, 2), bottom - tall // 2 + draws.between(46, 50))


def paint_bicycle(canvas: Canvas, x: int, y: int) -> None:
    """Paint a bicycle, 29 units wide and 18 high, around (x, y)."""
    canvas.rectangle(x - 9, y - 7, x + 9, y + 5, paint("bicycle", "bicycle"))
    for side in (-1, 1):
        canvas.disc(x + side * 8, y + 4, 6, paint("bicycle", "bicycle"))
