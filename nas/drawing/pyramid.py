"""The layout of heads that read several levels: a row for each level, the same steps in columns, sums between rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from nas.drawing.boxes import PLUS, box, box_width, plus
from nas.drawing.branches import BAR, FINAL_HEIGHT, final_box
from nas.drawing.drawing import MARGIN, WIDTH, Panel
from nas.drawing.palette import Role
from nas.drawing.svg import Paint, arrow, circle, rect, text, upright_text

ROW, ROW_GAP = 54.0, 20.0
SPACE = 12.0
"""Least width between columns, where arrows run."""

_TO_BAR = 6.0
"""Width that there is before the bar beyond that between columns."""
_TO_FINAL = 14.0


@dataclass(frozen=True)
class Box:
    """A step of one level: its lines of text and the colour of its family."""

    lines: tuple[str, ...]
    role: Role


class Sum:
    """A step that adds what comes from the next coarser level."""


@dataclass(frozen=True)
class Column:
    """One step of all levels: what it is for each, finest first; None where a level passes it unchanged."""

    steps: tuple[Box | Sum | None, ...]

    @property
    def width(self) -> float:
        """Width of the widest step in units of the drawing."""
        return max((box_width(step.lines) for step in self.steps if isinstance(step, Box)), default=2 * PLUS)


@dataclass(frozen=True)
class Upward:
    """How a level is added to the next finer one.

    Attributes:
        column: Behind this column the map leaves; None where it leaves at the sum itself.
        text: What happens to it on the way.
    """

    column: int | None
    text: str


def pyramid_panel(
    maps: Sequence[tuple[str, ...]], columns: Sequence[Column], upward: Upward | None, join: str | None, final: str
) -> Panel:
    """Lay out the levels.

    Args:
        maps: Lines of text of each level's feature map, finest first.
        columns: The steps.
        upward: The way from a level to the next finer one, where columns have sums.
        join: What the bar at the right does with all levels; None where the finest alone goes on.
        final: What follows.
    """
    map_width = max(map(box_width, maps))
    filled = map_width + sum(column.width for column in columns) + 2 * MARGIN + BAR
    width = max(WIDTH, filled + SPACE * (len(columns) + 1) + _TO_BAR)
    space = (width - filled - _TO_BAR) / (len(columns) + 1)
    lefts = list(_lefts(map_width, columns, space))
    bar = width - MARGIN - BAR
    shapes: list[Element] = []
    bottom = len(maps) * (ROW + ROW_GAP) - ROW_GAP
    top = bottom + _TO_FINAL
    for level, lines in enumerate(maps):
        drawn, x = _row(level, lines, map_width, columns, lefts)
        shapes += drawn
        if join is not None:
            shapes += arrow([(x, _middle(level)), (bar, _middle(level))])
        elif level == 0:
            shapes += arrow([(x, _middle(0)), (bar + BAR / 2, _middle(0)), (bar + BAR / 2, top)], radius=6)
        if upward is not None and level:
            shapes += _up(level, columns, lefts, upward)
    if join is not None:
        shapes.append(rect(bar, 0, BAR, bottom, Paint(fill="wire"), radius=6))
        shapes.append(upright_text(bar + BAR / 2, bottom / 2, join, 12, "surface"))
        shapes += arrow([(bar + BAR / 2, bottom), (bar + BAR / 2, top)])
    return Panel(width, top + FINAL_HEIGHT, [*shapes, *final_box(width, top, final)])


def _lefts(map_width: float, columns: Sequence[Column], space: float) -> Iterator[float]:
    left = MARGIN + map_width + space
    for column in columns:
        yield left
        left += column.width + space


def _middle(level: int) -> float:
    return level * (ROW + ROW_GAP) + ROW / 2


def _row(
    level: int, name: Sequence[str], map_width: float, columns: Sequence[Column], lefts: Sequence[float]
) -> tuple[list[Element], float]:
    # The shapes of a level, and where its last one ends.
    y = _middle(level)
    x = MARGIN + map_width
    shapes = box(MARGIN, y - 20, map_width, 40, name, role="map")
    for column, left in zip(columns, lefts, strict=True):
        step = column.steps[level]
        if isinstance(step, Sum):
            centre = left + column.width / 2
            shapes += [*arrow([(x, y), (centre - PLUS, y)]), *plus(centre, y)]
            x = centre + PLUS
        elif step is not None:
            shapes += arrow([(x, y), (left, y)])
            shapes += box(left, y - ROW / 2, column.width, ROW, step.lines, role=step.role)
            x = left + column.width
    return shapes, x


def _up(level: int, columns: Sequence[Column], lefts: Sequence[float], upward: Upward) -> list[Element]:
    # From a level to the sum of the next finer one.
    place = next(index for index, column in enumerate(columns) if isinstance(column.steps[level - 1], Sum))
    x, target = lefts[place] + columns[place].width / 2, _middle(level - 1) + PLUS
    y, fork = _middle(level), []
    if upward.column is not None:
        right = lefts[upward.column] + columns[upward.column].width
        turn = y - ROW / 2 - ROW_GAP / 2
        way = [(right, y), (right + 8, y), (right + 8, turn), (x, turn), (x, target)]
    elif isinstance(columns[place].steps[level], Sum):
        way = [(x, y - PLUS), (x, target)]
    else:
        fork = [circle(x, y, 2.5, Paint(fill="wire"))]
        way = [(x, y), (x, target)]
    label = text(x + 6, target + (ROW / 2 - PLUS + ROW_GAP / 2) - 2, upward.text, 10, "muted")
    return [*fork, *arrow(way, radius=4), label]
