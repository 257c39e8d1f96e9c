"""The drawing of Auto-DeepLab's cell: a row for each state, and beside the rows a line from each to its readers.

The lines of later states are further to the right, so a state's way to its line crosses no other one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from nas.drawing.boxes import NAME, PLUS, badge, plus
from nas.drawing.branches import BAR, FINAL_HEIGHT, TO_BAR, final_box
from nas.drawing.drawing import MARGIN, WIDTH, Panel
from nas.drawing.glyphs import GLYPH, glyph
from nas.drawing.palette import Role
from nas.drawing.svg import WIRE, Paint, arrow, circle, polyline, rect, text, upright_text
from nas.drawing.typesetting import text_width
from search_spaces.auto_deeplab.architecture import BEFORE_PREVIOUS, FIRST_BLOCK, PREVIOUS, Block, Edge, Operator
from search_spaces.text import state_text

LANE = 13.0
"""Distance of two lines beside the rows."""

INPUT_HEIGHT, EDGE_HEIGHT = 28.0, 30.0
PAD, GAP = 5.0, 18.0
"""Space inside a block above and below its edges, and between two rows."""

_INPUT_TEXT = 64.0
"""Where the words about an input begin, behind its name."""

_TURN = 8.0
"""How far below a row its output turns to the left."""

_NAMES: dict[Operator, str] = {
    "sep_3x3": "sep 3×3",
    "sep_5x5": "sep 5×5",
    "atrous_3x3": "atrous 3×3",
    "atrous_5x5": "atrous 5×5",
    "avg_pool_3x3": "avg pool 3×3",
    "max_pool_3x3": "max pool 3×3",
    "skip": "skip",
    "none": "none",
}


@dataclass(frozen=True)
class _Row:
    state: int
    top: float
    height: float

    def edge(self, number: int) -> float:
        """The y of one of a block's two edges."""
        return self.top + PAD + EDGE_HEIGHT * (number + 0.5)


def operator_name(operator: Operator) -> str:
    """Name an operator as the paper does: "atrous 3×3"."""
    return _NAMES[operator]


def operator_role(operator: Operator) -> Role:
    """Return the colour of an operator's family."""
    if operator.endswith("pool_3x3"):
        return "pooling"
    return "wire" if operator in ("skip", "none") else "convolution"


def cell_panel(blocks: Sequence[Block]) -> Panel:
    """Lay out a cell: its two inputs, its blocks as they are numbered, and their concatenation."""
    rows = _rows(len(blocks))
    last = _last_readers(blocks, rows)
    lanes = {state: MARGIN + 4 + LANE * place for place, state in enumerate(s for s in rows if s in last)}
    left = MARGIN + LANE * len(lanes) + 8
    needed = _INPUT_TEXT + text_width(_input_text(BEFORE_PREVIOUS), NAME - 0.5) + 8
    width = max(WIDTH, left + needed + TO_BAR + BAR + MARGIN)
    bar = width - MARGIN - BAR
    right = bar - TO_BAR
    shapes: list[Element] = []
    for state, x in lanes.items():
        shapes.append(_lane(rows[state], x, left, last[state]))
    for state, row in rows.items():
        if state < FIRST_BLOCK:
            shapes += _input(row, left, right)
            continue
        shapes += _block(row, blocks[state - FIRST_BLOCK], left, right)
        for number, edge in enumerate(blocks[state - FIRST_BLOCK].edges):
            y = row.edge(number)
            shapes += _read(y, lanes[edge.input], left, last=y == last[edge.input])
        shapes += arrow([(right, row.top + row.height / 2), (bar, row.top + row.height / 2)])
    first, bottom = rows[FIRST_BLOCK].top, max(row.top + row.height for row in rows.values())
    shapes.append(rect(bar, first, BAR, bottom - first, Paint(fill="wire"), radius=6))
    shapes.append(upright_text(bar + BAR / 2, (first + bottom) / 2, "concat", 12, "surface"))
    shapes += arrow([(bar + BAR / 2, bottom), (bar + BAR / 2, bottom + 14)])
    shapes += final_box(width, bottom + 14, "H[l], the output of layer l")
    return Panel(width, bottom + 14 + FINAL_HEIGHT, shapes)


def _rows(blocks: int) -> dict[int, _Row]:
    rows, y = {}, 0.0
    for state in (BEFORE_PREVIOUS, PREVIOUS, *range(FIRST_BLOCK, FIRST_BLOCK + blocks)):
        height = INPUT_HEIGHT if state < FIRST_BLOCK else 2 * (EDGE_HEIGHT + PAD)
        rows[state] = _Row(state, y, height)
        y += height + GAP
    return rows


def _last_readers(blocks: Sequence[Block], rows: dict[int, _Row]) -> dict[int, float]:
    """The y at which each state that is read is read for the last time."""
    return {
        edge.input: rows[index].edge(number)
        for index, block in enumerate(blocks, FIRST_BLOCK)
        for number, edge in enumerate(block.edges)
    }


def _lane(row: _Row, x: float, left: float, end: float) -> Element:
    bottom, start = row.top + row.height, left + 14
    return polyline([(start, bottom), (start, bottom + _TURN), (x, bottom + _TURN), (x, end), (left, end)], WIRE, 4)


def _read(y: float, x: float, left: float, last: bool) -> list[Element]:
    head = arrow([(left - 8, y), (left, y)])
    return head if last else [circle(x, y, 2.4, Paint(fill="wire")), *arrow([(x, y), (left, y)])]


def _input(row: _Row, left: float, right: float) -> list[Element]:
    y = row.top + row.height / 2 + NAME * 0.36
    return [
        rect(left, row.top, right - left, row.height, Paint(fill="map", stroke="wire"), radius=6),
        text(left + 10, y, state_text(row.state), NAME + 1, bold=True),
        text(left + _INPUT_TEXT, y, _input_text(row.state), NAME - 0.5, "muted"),
    ]


def _input_text(state: int) -> str:
    return "output of the layer before" if state == PREVIOUS else "output of two layers before"


def _block(row: _Row, block: Block, left: float, right: float) -> list[Element]:
    x, middle = right - 40, row.top + row.height / 2
    shapes = [rect(left, row.top, right - left, row.height, Paint(fill="card", stroke="edge"), radius=6)]
    texts = max(_text_width(edge) for edge in block.edges)
    for number, edge in enumerate(block.edges):
        y, start = row.edge(number), left + 8 + GLYPH + 8
        shapes += _edge(edge, left + 8, y)
        side = middle - PLUS if number == 0 else middle + PLUS
        shapes += arrow([(start + texts + 8, y), (x, y), (x, side)], radius=4)
    shapes += [*plus(x, middle), polyline([(x + PLUS, middle), (right, middle)], WIRE)]
    return [*shapes, *badge(right - 13, row.top + 13, row.state - FIRST_BLOCK, "wire")]


def _edge(edge: Edge, x: float, y: float) -> list[Element]:
    return [
        *glyph(edge.operator, operator_role(edge.operator), x, y),
        text(x + GLYPH + 8, y - 1.5, operator_name(edge.operator), NAME, bold=True),
        text(x + GLYPH + 8, y + 11, _source(edge), NAME - 1, "muted"),
    ]


def _source(edge: Edge) -> str:
    return f"of {state_text(edge.input)}"


def _text_width(edge: Edge) -> float:
    return max(text_width(operator_name(edge.operator), NAME, bold=True), text_width(_source(edge), NAME - 1))
