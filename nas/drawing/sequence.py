"""The layout of heads whose steps follow each other: boxes from top to bottom, some of them inside a residual unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from nas.drawing.boxes import DETAIL, NAME, PLUS, box, box_height, plus
from nas.drawing.drawing import MARGIN, WIDTH, Panel
from nas.drawing.palette import Role
from nas.drawing.svg import WIRE, Paint, arrow, circle, line, rect, text
from nas.drawing.typesetting import wrap

ARROW_LENGTH = 16.0
INSET = 34.0
"""Space at both sides of the steps inside a residual unit, where the line past them runs."""

_TOP = 26.0


@dataclass(frozen=True)
class Step:
    """One box: its name, what is to be said of it, the colour of its family."""

    name: str
    detail: str
    role: Role


@dataclass(frozen=True)
class Residual:
    """Steps past which their input runs, to be added to what they give."""

    name: str
    steps: tuple[Step, ...]


def sequence_panel(parts: Sequence[Step | Residual]) -> Panel:
    """Lay out the parts from top to bottom, with an arrow from each to the next."""
    shapes: list[Element] = []
    y = 0.0
    for part in parts:
        if y:
            shapes += arrow([(WIDTH / 2, y), (WIDTH / 2, y + ARROW_LENGTH)])
            y += ARROW_LENGTH
        drawn, height = _residual(part, y) if isinstance(part, Residual) else _step(part, y, MARGIN)
        shapes += drawn
        y += height
    return Panel(WIDTH, y, shapes)


def _step(step: Step, top: float, left: float) -> tuple[list[Element], float]:
    width = WIDTH - 2 * left
    lines = [step.name, *(wrap(step.detail, DETAIL, width - 12) if step.detail else ())]
    height = box_height(lines)
    return box(left, top, width, height, lines, role=step.role), height


def _residual(unit: Residual, top: float) -> tuple[list[Element], float]:
    middle, side = WIDTH / 2, WIDTH - MARGIN - INSET / 2
    fork = top + _TOP
    shapes = [
        text(MARGIN + 12, top + 17, unit.name, NAME, "unit", bold=True),
        *arrow([(middle, top), (middle, fork + ARROW_LENGTH)]),
        circle(middle, fork, 2.5, Paint(fill="wire")),
    ]
    y = fork + ARROW_LENGTH
    for number, step in enumerate(unit.steps):
        if number:
            shapes += arrow([(middle, y), (middle, y + ARROW_LENGTH)])
            y += ARROW_LENGTH
        drawn, height = _step(step, y, MARGIN + INSET)
        shapes += drawn
        y += height
    total = y + ARROW_LENGTH + PLUS
    shapes += arrow([(middle, y), (middle, total - PLUS)])
    shapes += arrow([(middle, fork), (side, fork), (side, total), (middle + PLUS, total)], WIRE, radius=6)
    shapes += plus(middle, total)
    bottom = total + PLUS + 8
    shapes.append(line(middle, total + PLUS, middle, bottom, WIRE))
    outline = rect(MARGIN, top, WIDTH - 2 * MARGIN, bottom - top, Paint(stroke="unit", width=1.2, dash=4), radius=8)
    return [outline, *shapes], bottom - top
