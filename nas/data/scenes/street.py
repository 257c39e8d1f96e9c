"""The street in perspective: ground in depth bands, the road and its marks.

Ground beside the road is sidewalk or terrain depending on the colour of the *mark* on the same side of the middle line
and in the same rows: a cue sideways, 3 to 14 cells (of 8 units) away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from nas.data.scenes.canvas import UNITS_HIGH, UNITS_WIDE, Canvas
from nas.data.scenes.draws import Draws
from nas.data.scenes.materials import paint, unlabelled

MAJORITY = 65
"""Percentage of the commoner class of a pair, uneven so that a head that cannot see the cue settles for one class."""


@dataclass(frozen=True)
class Street:
    """The perspective of a scene, in units.

    Attributes:
        horizon: y of the horizon.
        vanishing: x of the vanishing point.
        lean: How far the middle of the road moves to the right, 62 units below the horizon.
    """

    horizon: int
    vanishing: int
    lean: int

    @classmethod
    def draw(cls, draws: Draws) -> Self:
        """Draw a street at random."""
        return cls(draws.between(63, 68), UNITS_WIDE // 2 + draws.between(-10, 10), draws.between(-12, 12))

    def middle(self, y: int) -> int:
        """Return the x of the middle of the road at row y."""
        return self.vanishing + self.lean * (y - self.horizon) // 62

    def half_road(self, y: int) -> int:
        """Return half the width of the road at row y."""
        return 40 + 34 * (y - self.horizon) // 62

    def foot(self, x: int) -> int:
        """Return the y at which facades at column x meet the ground."""
        return self.horizon + 3 + abs(x - self.vanishing) // 14

    def bands(self) -> tuple[tuple[int, int], ...]:
        """Return (top, bottom) of the three depth bands, for each of which the kind of ground is drawn separately."""
        near, far = self.horizon + 41, self.horizon + 24
        return (self.horizon, far), (far, near), (near, UNITS_HIGH)


def paint_street(canvas: Canvas, street: Street, draws: Draws) -> None:
    """Paint road and ground, the background of everything else but the sky."""
    canvas.rectangle(0, street.horizon, UNITS_WIDE, UNITS_HIGH, paint("road", "road"))
    for top, bottom in street.bands():
        for direction, side in ((-1, "left"), (1, "right")):
            kind = "sidewalk" if draws.percent(MAJORITY) else "terrain"
            _paint_ground(canvas, street, (top, bottom), direction, kind)
            _paint_mark(canvas, street, (top, bottom), direction, f"{side} mark of {_ARTICLES[kind]}")
    _paint_middle_line(canvas, street)


_ARTICLES = {"sidewalk": "a sidewalk", "terrain": "terrain"}


def _paint_ground(canvas: Canvas, street: Street, band: tuple[int, int], direction: int, kind: str) -> None:
    edge = [street.middle(y) + direction * street.half_road(y) for y in band]
    inner, outer = (edge[0], edge[1]), (0, 0) if direction < 0 else (UNITS_WIDE, UNITS_WIDE)
    left, right = (outer, inner) if direction < 0 else (inner, outer)
    canvas.between_columns(*band, left, right, paint("ground", kind))
    beside = (inner[0] - 2 * direction, inner[1] - 3 * direction)
    kerb = (inner, beside) if direction < 0 else (beside, inner)
    canvas.between_columns(*band, *kerb, paint("line", "road"))


def _paint_mark(canvas: Canvas, street: Street, band: tuple[int, int], direction: int, look: str) -> None:
    top, bottom = max(band[0], street.horizon + 14), band[1] - 2
    near = [street.middle(y) + direction * 3 for y in (top, bottom)]
    far = [street.middle(y) + direction * (18 + (y - street.horizon) // 5) for y in (top, bottom)]
    left, right = (far, near) if direction < 0 else (near, far)
    canvas.between_columns(top, bottom, (left[0], left[1]), (right[0], right[1]), paint(look, "road"))


def _paint_middle_line(canvas: Canvas, street: Street) -> None:
    top, bottom = street.horizon + 8, UNITS_HIGH
    west, east = (street.middle(top) - 1, street.middle(bottom) - 1), (street.middle(top), street.middle(bottom) + 2)
    canvas.between_columns(top, bottom, west, east, paint("line", "road"))


def paint_bonnet(canvas: Canvas, draws: Draws) -> None:
    """Paint the bonnet of the camera's car over the bottom rows; it has no label, as in Cityscapes."""
    left, right, top = draws.between(56, 72), UNITS_WIDE - draws.between(56, 72), UNITS_HIGH - draws.between(5, 7)
    middle = (left + right) // 2
    for start, end, heights in ((left, middle, (top + 3, top)), (middle, right, (top, top + 3))):
        canvas.between_rows(start, end, heights, (UNITS_HIGH, UNITS_HIGH), unlabelled("bonnet"))
