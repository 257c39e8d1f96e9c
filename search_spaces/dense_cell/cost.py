"""Parameters and multiply-adds of a dense prediction cell, by formula: no network is built."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search_spaces.cost import Cost, total
from search_spaces.dense_cell.architecture import (
    GRIDS,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    Levels,
    Operator,
    PyramidPooling,
)
from search_spaces.dense_cell.geometry import pooling_kernel

_TAPS = 9
"""Weights of a 3x3 filter."""

_BATCH_NORM = 2
"""Trainable parameters of batch norm per channel."""


@dataclass(frozen=True)
class CellSetting:
    """What the cost of a cell depends on beside the cell itself.

    Attributes:
        in_channels: Channels of each feature map that the cell can read, finest first; one number for a cell without
            levels.
        channels: Filters of a cell that has no `channels` of its own.
        output_stride: Pixels of the image per cell of the finest map.
        crop: Height and width of the image in pixels.
    """

    in_channels: tuple[int, ...]
    channels: int
    output_stride: int
    crop: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the finest map in cells."""
        return -(-self.crop[0] // self.output_stride), -(-self.crop[1] // self.output_stride)


def cell_cost(cell: DenseCell, setting: CellSetting) -> Cost:
    """Count the parameters and multiply-adds of a cell's head without its logits, as torch counts them.

    The logits, a biased 1x1 convolution from the cell's width to the classes, cost the same for all cells of a width.
    Batch norm has two parameters per channel and counts no multiply-adds, nor do pooling and resizing.

    Args:
        cell: With the paper's operators only.
        setting: Where the cell stands.

    Raises:
        ValueError: The cell has a unit of global reasoning.
    """
    assert len(setting.in_channels) == cell.maps
    width = cell.channels or setting.channels
    branches = [
        _branch_cost(branch.operator, _channels_read(branch, setting.in_channels, width), width, setting)
        for branch in cell.branches
    ]
    return total([*branches, behind_branches(len(cell.branches), width, setting)])


def behind_branches(branches: int, width: int, setting: CellSetting) -> Cost:
    """Count the 1x1 convolution behind the branches of a cell, which every cell has, and its batch norm.

    Args:
        branches: Number of branches.
        width: Filters of each branch.
        setting: Where the cell stands.
    """
    weights = branches * width * width
    return Cost(weights + _BATCH_NORM * width, weights * math.prod(setting.size))


def smallest_cell(branches: int, in_channels: Sequence[int], width: int, levels: Levels | None = None) -> DenseCell:
    """Make the cell that has the fewest parameters and at once the fewest multiply-adds of all cells of a width.

    Each branch is a pooling of the entire map, whose 1x1 convolution reads a single cell of the narrowest tensor.

    Args:
        branches: Number of branches.
        in_channels: Channels of each feature map, finest first.
        width: Filters of each branch.
        levels: Strides of the feature maps where there are several.
    """
    narrowest = min(range(len(in_channels)), key=lambda position: in_channels[position])
    source = -1 - narrowest
    later = 0 if width < in_channels[narrowest] else source
    operator = PyramidPooling(grid=(GRIDS[0], GRIDS[0]))
    return DenseCell(
        branches=tuple(Branch(input=later if index else source, operator=operator) for index in range(branches)),
        levels=levels,
        channels=width,
    )


def _channels_read(branch: Branch, in_channels: Sequence[int], width: int) -> int:
    return width if branch.input >= 0 else in_channels[-1 - branch.input]


def _branch_cost(operator: Operator, read: int, width: int, setting: CellSetting) -> Cost:
    height, breadth = setting.size
    pointwise = read * width
    parameters = pointwise + _BATCH_NORM * width
    match operator:
        case Conv1x1():
            return Cost(parameters, height * breadth * pointwise)
        case AtrousSeparable():
            depthwise = read * _TAPS
            return Cost(parameters + depthwise + _BATCH_NORM * read, height * breadth * (depthwise + pointwise))
        case PyramidPooling(grid=grid):
            means = 1
            for cells, crop, bins in zip(setting.size, setting.crop, grid, strict=True):
                means *= cells - min(cells, pooling_kernel(crop, setting.output_stride, bins)) + 1
            return Cost(parameters, means * pointwise)
    raise ValueError(f"{operator.op} is not counted by formula: a limit needs a cell of the plain operators")
