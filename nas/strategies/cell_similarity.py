"""How similar dense cells are: a kernel between sets of branches, for Gaussian processes over cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.strategies.distance import coded, differences
from search_spaces.dense_cell.architecture import MAX_BRANCHES, DenseCell

OPERATOR_SCALE = 1.0
"""Difference of two operators, in [0, 1], at which their similarity has fallen to 1/e."""

INPUT_SCALE = 2.0
"""The same for what two branches read: it says less about a branch than its operator."""


class _Coded(NamedTuple):
    """Cells as arrays, one row for each.

    Attributes:
        operators: Index of each branch's operator (cells, branches), -1 behind a cell's last branch.
        inputs: Index of what each branch reads, likewise; see `nas.strategies.distance.coded`.
        octaves: Binary logarithm of the number of filters (cells,); 0 where the width is not the cell's own.
    """

    operators: NDArray[np.intp]
    inputs: NDArray[np.intp]
    octaves: NDArray[np.float64]

    @classmethod
    def of(cls, cells: Sequence[DenseCell]) -> _Coded:
        """Code cells; those with fewer branches than the largest one are padded."""
        most = max((len(cell.branches) for cell in cells), default=0)
        assert most <= MAX_BRANCHES
        operators, inputs = (np.full((len(cells), most), -1) for _ in range(2))
        for row, cell in enumerate(cells):
            operators[row, : len(cell.branches)], inputs[row, : len(cell.branches)] = coded(cell)
        return cls(operators, inputs, np.array([np.log2(cell.channels or 1) for cell in cells]))


def cell_similarity(cells: Sequence[DenseCell], others: Sequence[DenseCell]) -> NDArray[np.float64]:
    """Compare every cell of one list with every cell of another.

    A cell counts as the set of its branches, and a branch as a pair: its operator, and the operator that it reads. Two
    branches are as similar as exp(-difference) of their operators times that of what they read; two cells as the sum
    over all pairs of their branches, divided such that a cell and itself have 1. So the order of branches does not
    matter, and the matrix of any cells is positive semidefinite, which a distance by the best pairing does not give.
    Widths that differ by an octave divide by e.

    Args:
        cells: n cells.
        others: m cells.

    Returns:
        Similarities in (0, 1], of shape (n, m).

    Source:
        Kernels between sets: Gaertner et al., "Multi-Instance Kernels", ICML 2002, section 3.
    """
    one, other = _Coded.of(cells), _Coded.of(others)
    sums = _overlap(one, other) / np.sqrt(_own(one)[:, None] * _own(other))
    found: NDArray[np.float64] = sums * np.exp(-np.abs(one.octaves[:, None] - other.octaves))
    return found


def _overlap(one: _Coded, other: _Coded) -> NDArray[np.float64]:
    operators, inputs = _similarities()
    total = np.zeros((len(one.octaves), len(other.octaves)))
    for operator, read in zip(one.operators.T, one.inputs.T, strict=True):
        for other_operator, other_read in zip(other.operators.T, other.inputs.T, strict=True):
            total += operators[operator[:, None], other_operator] * inputs[read[:, None], other_read]
    return total


def _own(cells: _Coded) -> NDArray[np.float64]:
    """The overlap of each cell with itself (cells,)."""
    operators, inputs = _similarities()
    pairs = operators[cells.operators[:, :, None], cells.operators[:, None]]
    total: NDArray[np.float64] = (pairs * inputs[cells.inputs[:, :, None], cells.inputs[:, None]]).sum((1, 2))
    return total


@cache
def _similarities() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Similarities of operators and of inputs by their index; the last row and column, of no branch, are 0."""
    table = differences()
    operators, inputs = (np.pad(np.exp(-table / scale), (0, 1)) for scale in (OPERATOR_SCALE, INPUT_SCALE))
    return operators, inputs
