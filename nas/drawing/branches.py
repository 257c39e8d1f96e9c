"""The layout of heads whose branches are concatenated: a row for each branch, indented below what the branch reads.

Each branch reads one tensor, so the branches are trees, and a tree of rows has no crossing lines: those to the readers
of a row run down at its left, the one to the concatenation leaves at its right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from nas.drawing.boxes import badge, badge_radius
from nas.drawing.drawing import MARGIN, WIDTH, Panel
from nas.drawing.footprint import SIDE
from nas.drawing.palette import Role
from nas.drawing.svg import Paint, arrow, group, rect, text, upright_text
from nas.drawing.typesetting import text_width

INDENT = 22.0
PAD = 8.0
GAP = 10.0
SOURCE_HEIGHT = 30.0
ROW_HEIGHT = SIDE + 2 * PAD
BAR = 22.0
"""Width of the bar that stands for the concatenation."""

TO_BAR = 18.0
RAIL = 12.0
"""Distance of the line to a row's readers from the row's left side."""

FINAL_HEIGHT = 32.0
NAME, DETAIL = 13.0, 11.0
"""Font sizes of a branch's name and of the lines below it."""

_ROUND = 5.0


@dataclass(frozen=True)
class Source:
    """A feature map that branches read: its name, and what is to be said of it."""

    name: str
    detail: str = ""


@dataclass(frozen=True)
class Branch:
    """One branch as it is drawn.

    Attributes:
        name: The operator.
        details: Lines below the name.
        parent: What the branch reads: j >= 0 is branch j, -1 the first source, -2 the second, ...
        role: Colour of the operator's family.
        footprint: Shapes in a square of `SIDE`.
        number: In the branch's badge; None for no badge.
    """

    name: str
    details: tuple[str, ...]
    parent: int
    role: Role
    footprint: Sequence[Element]
    number: int | None = None


@dataclass(frozen=True)
class _Place:
    # Where a source (index below 0) or a branch stands.
    index: int
    depth: int
    top: float
    height: float

    @property
    def left(self) -> float:
        return MARGIN + INDENT * self.depth

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def tree_panel(sources: Sequence[Source], branches: Sequence[Branch], join: str, final: str) -> Panel:
    """Lay out branches and their concatenation.

    Args:
        sources: The feature maps, finest first.
        branches: In any order in which each comes after what it reads.
        join: What the bar at the right does: "concat".
        final: What follows on the bar.
    """
    places = _places(sources, branches)
    deepest = max(place.depth for place in places.values())
    needed = max(text_width(string, size, bold) for branch in branches for string, size, bold in _lines(branch))
    card = SIDE + 3 * PAD + needed
    width = max(WIDTH, 2 * MARGIN + INDENT * deepest + card + TO_BAR + BAR)
    bar_left = width - MARGIN - BAR
    shapes: list[Element] = []
    for place in places.values():
        shapes += _rails(place, [other for other in places.values() if _parent(other, branches) == place.index])
    for place in places.values():
        right = bar_left - TO_BAR
        if place.index < 0:
            shapes += _source(sources[-1 - place.index], place, right)
        else:
            shapes += _card(branches[place.index], place, right)
            shapes += arrow([(right, place.middle), (bar_left, place.middle)])
    bottom = max(place.top + place.height for place in places.values())
    top = min(place.top for place in places.values() if place.index >= 0)
    shapes += _bar(bar_left, top, bottom, join)
    shapes += final_box(width, bottom + 14, final)
    shapes += arrow([(bar_left + BAR / 2, bottom), (bar_left + BAR / 2, bottom + 14)])
    return Panel(width, bottom + 14 + FINAL_HEIGHT, shapes)


def _lines(branch: Branch) -> Iterator[tuple[str, float, bool]]:
    before = "" if branch.number is None else f"{branch.number}    "
    yield f"{before}{branch.name}", NAME, True
    for detail in branch.details:
        yield detail, DETAIL, False


def _parent(place: _Place, branches: Sequence[Branch]) -> int | None:
    return branches[place.index].parent if place.index >= 0 else None


def _places(sources: Sequence[Source], branches: Sequence[Branch]) -> dict[int, _Place]:
    readers: dict[int, list[int]] = {}
    for index, branch in enumerate(branches):
        readers.setdefault(branch.parent, []).append(index)
    places: dict[int, _Place] = {}
    y = 0.0
    for position in range(len(sources)):
        pending = [(-1 - position, 0)]
        while pending:
            index, depth = pending.pop()
            height = SOURCE_HEIGHT if index < 0 else ROW_HEIGHT
            places[index] = _Place(index, depth, y, height)
            y += height + GAP
            pending += [(reader, depth + 1) for reader in reversed(readers.get(index, []))]
    return places


def _rails(place: _Place, readers: Sequence[_Place]) -> list[Element]:
    x, bottom = place.left + RAIL, place.top + place.height
    return [
        shape
        for reader in readers
        for shape in arrow([(x, bottom), (x, reader.middle), (reader.left, reader.middle)], radius=_ROUND)
    ]


def _source(source: Source, place: _Place, right: float) -> list[Element]:
    box = rect(place.left, place.top, right - place.left, place.height, Paint(fill="map", stroke="wire"), radius=6)
    name = text(place.left + 10, place.middle + NAME * 0.36, source.name, NAME, bold=True)
    after = place.left + 10 + text_width(source.name, NAME, bold=True) + 8
    return [box, name, text(after, place.middle + NAME * 0.36, source.detail, DETAIL, "muted")]


def _card(branch: Branch, place: _Place, right: float) -> list[Element]:
    left, top = place.left, place.top
    shapes = [
        rect(left, top, right - left, place.height, Paint(fill="card", stroke="edge"), radius=6),
        group(branch.footprint, left + PAD, top + PAD),
    ]
    x = left + SIDE + 2 * PAD
    y = place.middle - (NAME + 17 * len(branch.details)) / 2 + NAME * 0.86
    name_x = x
    if branch.number is not None:
        radius = badge_radius(branch.number)
        shapes += badge(x + radius, y - NAME * 0.36, branch.number, branch.role)
        name_x = x + 2 * radius + 6
    shapes.append(text(name_x, y, branch.name, NAME, bold=True))
    shapes += [text(x, y + 18 + 16 * row, detail, DETAIL, "muted") for row, detail in enumerate(branch.details)]
    return shapes


def _bar(left: float, top: float, bottom: float, join: str) -> list[Element]:
    return [
        rect(left, top, BAR, bottom - top, Paint(fill="wire"), radius=6),
        upright_text(left + BAR / 2, (top + bottom) / 2, join, NAME - 1, "surface"),
    ]


def final_box(width: float, top: float, final: str) -> list[Element]:
    """Draw the box across the drawing with what follows at the end, the same in all layouts."""
    return [
        rect(
            MARGIN, top, width - 2 * MARGIN, FINAL_HEIGHT, Paint(fill="card", stroke="pointwise", width=1.2), radius=6
        ),
        text(width / 2, top + FINAL_HEIGHT / 2 + NAME * 0.36, final, NAME, anchor="middle", bold=True),
    ]
