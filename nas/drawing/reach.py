"""Which cells of the feature map decide a branch's output at the map's centre, through the branches that it reads."""

from __future__ import annotations

from typing import NamedTuple

from nas.drawing.setting import Setting
from search_spaces.dense_cell.architecture import (
    AtrousSeparable,
    Conv1x1,
    DenseCell,
    Operator,
    PyramidPooling,
)
from search_spaces.dense_cell.geometry import pooling_kernel


class Span(NamedTuple):
    """The first and the last of the rows, or of the columns, that are reached."""

    first: int
    last: int

    @property
    def cells(self) -> int:
        """Number of rows or columns from the first to the last."""
        return self.last - self.first + 1


class Reach(NamedTuple):
    """The rows and the columns of a feature map within which lies all that is reached."""

    rows: Span
    columns: Span


def reach_of(cell: DenseCell, index: int, setting: Setting) -> Reach:
    """Compute what decides the output of branch `index` at the map's centre.

    Rows and columns are apart: every operator reads all combinations of some rows and some columns.
    """
    chain = [index]
    while (source := cell.branches[chain[-1]].input) >= 0:
        chain.append(source)
    operators = [cell.branches[link].operator for link in chain]
    return Reach(_span(operators, 0, setting), _span(operators, 1, setting))


def own_reach(operator: Operator, setting: Setting) -> Reach:
    """Compute what an operator reads of its input at the map's centre."""
    return Reach(_span([operator], 0, setting), _span([operator], 1, setting))


def window_of(operator: PyramidPooling, setting: Setting) -> tuple[int, int]:
    """Return height and width in cells of a pooling's sliding window, cut to the map."""
    height, width = (_window(operator, axis, setting) for axis in (0, 1))
    return height, width


def _window(operator: PyramidPooling, axis: int, setting: Setting) -> int:
    kernel = pooling_kernel(setting.crop[axis], setting.strides[0], operator.grid[axis])
    return min(setting.size[axis], kernel)


def _span(operators: list[Operator], axis: int, setting: Setting) -> Span:
    places = {setting.size[axis] // 2}
    for operator in operators:
        places = {read for place in places for read in _read(operator, place, axis, setting)}
    return Span(min(places), max(places))


def _read(operator: Operator, place: int, axis: int, setting: Setting) -> range:
    """The rows or columns between which an operator reads for an output at `place`, with its steps."""
    cells = setting.size[axis]
    match operator:
        case Conv1x1():
            return range(place, place + 1)
        case AtrousSeparable():
            rate = setting.rate(operator.rate[axis])
            first = place - rate if place >= rate else place
            return range(first, min(cells, place + rate + 1), rate)
        case PyramidPooling():
            return _means(place, cells, _window(operator, axis, setting))
    return range(cells)


def _means(place: int, cells: int, window: int) -> range:
    # The means of all windows are resized to the map with aligned corners: between two of them, both are read.
    if cells == 1:
        return range(1)
    before, between = divmod(place * (cells - window), cells - 1)
    return range(before, before + window + (between > 0))
