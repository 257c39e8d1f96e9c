"""Rows of facades along the street, with hedges at their feet.

A facade is a building or a wall depending on the colour of its *roof*, 3 to 6 cells above. A hedge is vegetation under
a warm *sky* and a fence under a cold one: a single bit per image, which a mean over the image shows best.
"""

from __future__ import annotations

from nas.data.scenes.canvas import UNITS_WIDE, Canvas
from nas.data.scenes.draws import Draws
from nas.data.scenes.materials import paint
from nas.data.scenes.street import MAJORITY, Street

ROOF = 8
HEDGE = 19
"""Heights of roofs and hedges in units."""

HEDGES_FROM = 50
"""Distance of hedges from the vanishing point, in units: nearer, a hedge would be next to the sky between facades."""


def paint_facades(canvas: Canvas, street: Street, draws: Draws) -> None:
    """Paint the sky, facades on both sides that leave the sky free in the middle, and hedges."""
    hedge, sky = ("vegetation", "warm sky") if draws.percent(MAJORITY) else ("fence", "cold sky")
    canvas.rectangle(0, 0, UNITS_WIDE, street.horizon, paint(sky, "sky"))
    west, east = street.vanishing - draws.between(22, 34), street.vanishing + draws.between(22, 34)
    for left, right in ((0, west), (east, UNITS_WIDE)):
        _paint_row(canvas, street, (left, right), draws)
    for left, right in ((0, street.vanishing - HEDGES_FROM), (street.vanishing + HEDGES_FROM, UNITS_WIDE)):
        _paint_hedges(canvas, street, (left, right), hedge, draws)


def _paint_row(canvas: Canvas, street: Street, row: tuple[int, int], draws: Draws) -> None:
    left, right = row
    while left < right:
        end = left + draws.between(34, 60)
        if right - end < 16:
            end = right
        kind = "building" if draws.percent(MAJORITY) else "wall"
        storey = draws.between(-3, 3)
        tops = [_roof(street, x) + storey for x in (left, end)]
        eaves = tops[0] + ROOF, tops[1] + ROOF
        feet = street.foot(left), street.foot(end)
        canvas.between_rows(left, end, eaves, feet, paint("facade", kind))
        canvas.between_rows(left, end, (tops[0], tops[1]), eaves, paint(f"roof of a {kind}", kind))
        left = end


def _roof(street: Street, x: int) -> int:
    return street.horizon - 42 - abs(x - street.vanishing) // 8


def _paint_hedges(canvas: Canvas, street: Street, row: tuple[int, int], kind: str, draws: Draws) -> None:
    left = row[0] + draws.between(-20, 10)
    while left < row[1]:
        end = min(row[1], left + draws.between(34, 58))
        feet = street.foot(left) + 4, street.foot(end) + 4
        canvas.between_rows(left, end, (feet[0] - HEDGE, feet[1] - HEDGE), feet, paint("hedge", kind))
        left = end + draws.between(8, 24)
