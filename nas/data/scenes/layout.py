"""One scene: where everything goes, so that no cue is hidden and no two cues are confused."""

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
"""Columns for people and poles: on both sides, far enough apart that a cue belongs to one of them."""


def compose(size: tuple[int, int], draws: Draws) -> tuple[Uint8, Uint8]:
    """(labels, materials), each (height, width): training classes and indices of MATERIALS."""
    canvas = Canvas(size)
    street = Street.draw(draws)
    paint_street(canvas, street, draws)
    paint_facades(canvas, street, draws)
    fronts = paint_long_vehicles(canvas, street, draws)
    paint_near_vehicles(canvas, street, draws)
    free = [x for place in PLACES if _clear(x := place + draws.between(-2, 2), fronts)]
    order = draws.shuffled(free)
    people = (len(order) + 1) // 2
    for x in order[:people]:
        paint_person(canvas, street, x, draws)
    for x in order[people:]:
        paint_pole(canvas, street, x, draws)
    for x in order[people:]:
        if draws.percent(35):
            paint_bicycle(canvas, x, draws.between(116, 120))
    paint_bonnet(canvas, draws)
    return canvas.labels, canvas.materials


def _clear(x: int, fronts: list[Interval]) -> bool:
    """Whether something 20 wide at column x leaves every front in sight."""
    return all(x + 10 <= left or x - 10 >= right for left, right in fronts)
