"""How different two dense cells are: the changes of operators, inputs and width between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    GRIDS,
    RATES,
    AtrousSeparable,
    DenseCell,
    Operator,
    PyramidPooling,
    operator_index,
)

LARGEST = 8
"""Most feature maps of a cell."""


class CellDistances:
    """Distances from any cell to each of a list of cells.

    The distance of two branches is the mean of two differences in [0, 1]: that of their operators, and that of what
    they read, which for two branches that read branches is the difference of these branches' operators. Operators of
    different kinds differ by 1; two rates, or two grids, by their steps along both axes relative to the largest
    possible number; one unit in two sizes by 1/2. The distance of two cells is the sum over the pairing of their
    branches with the smallest sum, plus 1 for each branch that the larger cell has more, plus the difference of the
    widths in octaves.

    Args:
        cells: The list.
    """

    def __init__(self, cells: Sequence[DenseCell]) -> None:
        self._cells = tuple(cells)
        self._coded = [coded(cell) for cell in self._cells]

    def by_distance(self, cell: DenseCell) -> Iterator[DenseCell]:
        """Yield the cells of the list from the nearest to the furthest; equally near ones in the order of the list."""
        for index in np.argsort(self.to(cell), kind="stable"):
            yield self._cells[index]

    def to(self, cell: DenseCell) -> NDArray[np.float64]:
        """Compute the distance of a cell to each cell of the list."""
        operators, inputs = coded(cell)
        table = differences()
        found = np.empty(len(self._cells))
        for index, (other, (others, read)) in enumerate(zip(self._cells, self._coded, strict=True)):
            pairs = (table[operators[:, None], others] + table[inputs[:, None], read]) / 2
            rows, columns = linear_sum_assignment(pairs)
            found[index] = (
                pairs[rows, columns].sum() + abs(len(operators) - len(others)) + _octaves(cell.channels, other.channels)
            )
        return found


def coded(cell: DenseCell) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Code operators by their index, and inputs by the index of the operator that is read, feature maps after these.

    Returns:
        Indices into `differences`, of what each branch does and of what it reads, each of shape (branches,).
    """
    operators = [operator_index(branch.operator) for branch in cell.branches]
    inputs = [
        operators[branch.input] if branch.input >= 0 else len(EXTENDED_OPERATORS) - 1 - branch.input
        for branch in cell.branches
    ]
    return np.array(operators), np.array(inputs)


def _octaves(one: int | None, other: int | None) -> float:
    return 0.0 if one is None or other is None else abs(math.log2(one / other))


@cache
def differences() -> NDArray[np.float64]:
    """The differences, in [0, 1], of operators, and of feature maps behind them, which differ from all else by 1."""
    count = len(EXTENDED_OPERATORS)
    table = 1.0 - np.eye(count + LARGEST)
    for i, one in enumerate(EXTENDED_OPERATORS):
        for j, other in enumerate(EXTENDED_OPERATORS):
            table[i, j] = _difference(one, other)
    return table


def _difference(one: Operator, other: Operator) -> float:
    if one == other:
        return 0.0
    if isinstance(one, AtrousSeparable) and isinstance(other, AtrousSeparable):
        return _steps(one.rate, other.rate, RATES)
    if isinstance(one, PyramidPooling) and isinstance(other, PyramidPooling):
        return _steps(one.grid, other.grid, GRIDS)
    return 0.5 if one.op == other.op else 1.0


def _steps(one: Sequence[int], other: Sequence[int], values: Sequence[int]) -> float:
    steps = sum(abs(values.index(a) - values.index(b)) for a, b in zip(one, other, strict=True))
    return steps / (2 * (len(values) - 1))
