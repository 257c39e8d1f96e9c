"""Rows of facades along the street, with hedges at their feet.

A facade is a building or a wall by the colour of its *roof*, 3 to 6 cells above. A hedge is vegetation or a fence by
whether the lit *windows* of the scene are warm or cold: one bit for the whole image, in a few random places.
"""

from __future__ import annotations

from nas.data.scenes.canvas import UNITS_WIDE, Canvas
from nas.data.scenes.draws import Draws
from nas.data.scenes.materials import paint
from nas.data.scenes.street import MAJORITY, Street

ROOF = 8
HEDGE = 19
WINDOW = 12
LIT_WINDOWS = 14


def paint_facades(canvas: Canvas, street: Street, draws: Draws) -> None:
    """Facades on both sides with the sky between them, lit windows, hedges."""
    hedge, window = ("vegetation", "warm window") if draws.percent(MAJORITY) else ("fence", "cold window")
    west, east = street.vanishing - draws.between(22, 34), street.vanishing + draws.between(22, 34)
    for left, right in ((0, west), (east, UNITS_WIDE)):
        _paint_row(canvas, street, (left, right), draws)
        _paint_windows(canvas, street, (left, right), window, draws)
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
        under = tops[0] + ROOF, tops[1] + ROOF
        feet = street.foot(left), street.foot(end)
        canvas.between_rows(left, end, under, feet, paint("facade", kind))
        canvas.between_rows(left, end, (tops[0], tops[1]), under, paint(f"roof of a {kind}", kind))
        left = end


def _roof(street: Street, x: int) -> int:
    return street.horizon - 42 - abs(x - street.vanishing) // 8


def _paint_windows(canvas: Canvas, street: Street, row: tuple[int, int], look: str, draws: Draws) -> None:
    """Over the facades' upper half, out of a small backbone's reach from the hedges; labels stay the facades'."""
    for x in draws.shuffled(range(row[0] + 2, row[1] - WINDOW, WINDOW + 2))[: LIT_WINDOWS // 2]:
        y = draws.between(_roof(street, x) + ROOF + 4, street.horizon - 31)
        canvas.rectangle(x, y, x + WINDOW, y + WINDOW, paint(look))


def _paint_hedges(canvas: Canvas, street: Street, row: tuple[int, int], kind: str, draws: Draws) -> None:
    left = row[0] + draws.between(-20, 10)
    while left < row[1]:
        end = min(row[1], left + draws.between(34, 58))
        feet = street.foot(left) + 4, street.foot(end) + 4
        canvas.between_rows(left, end, (feet[0] - HEDGE, feet[1] - HEDGE), feet, paint("hedge", kind))
        left = end + draws.between(8, 24)
