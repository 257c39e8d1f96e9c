"""The layout of one scene, in which no cue is hidden and no two cues can be confused."""

from __future__ import annotations

from nas.data.dataset import Uint8
from nas.data.scenes.canvas import Canvas
from nas.data.scenes.draws import Draws
from nas.data.scenes.facades import paint_facades
from nas.data.scenes.people import paint_bicycle, paint_person
from nas.data.scenes.poles import paint_pole
from nas.data.scenes.street import Street, paint_bonnet, paint_street
from nas.data.scenes.vehicles import Interval, paint_long_vehicles, paint_near_vehicles

PLACES = (11, 36, 61, 86, 170, 195, 220, 245)
"""Columns of people and poles in units: on both sides, far enough apart that a cue belongs to only one of them."""


def compose(size: tuple[int, int], draws: Draws) -> tuple[Uint8, Uint8]:
    """Paint a scene of `size` (height, width) in pixels.

    Returns:
        Training classes and indices of MATERIALS, two maps (height, width).
    """
    canvas = Canvas(size)
    street = Street.draw(draws)
    paint_street(canvas, street, draws)
    paint_facades(canvas, street, draws)
    fronts = paint_long_vehicles(canvas, street, draws)
    paint_near_vehicles(canvas, street, draws)
    free = [x for place in PLACES if _clear(x := place + draws.between(-2, 2), fronts)]
    columns = draws.shuffled(free)
    people = (len(columns) + 1) // 2
    for x in columns[:people]:
        paint_person(canvas, street, x, draws)
    for x in columns[people:]:
        paint_pole(canvas, street, x, draws)
    for x in columns[people:]:
        if draws.percent(35):
            paint_bicycle(canvas, x, draws.between(116, 120))
    paint_bonnet(canvas, draws)
    return canvas.labels, canvas.materials


def _clear(x: int, fronts: list[Interval]) -> bool:
    """Return whether an object 20 units wide at column x covers no front of a vehicle."""
    return all(x + 10 <= left or x - 10 >= right for left, right in fronts)
