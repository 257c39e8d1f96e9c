"""Parameters and multiply-adds by hand; `tests/nas/models/heads/test_cell_cost.py` compares them with torch's."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.cost import Cost
from search_spaces.dense_cell.architecture import (
    PUBLISHED_CELL,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    PyramidPooling,
)
from search_spaces.dense_cell.cost import CellSetting, cell_cost, smallest_cell
from search_spaces.dense_cell.space import sample
from search_spaces.units import GloRe

SETTING = CellSetting(in_channels=(10,), channels=4, output_stride=16, crop=(64, 128))
"""Cells: 4x8."""


def one(operator) -> DenseCell:
    return DenseCell(branches=(Branch(input=-1, operator=operator),))


def test_the_published_cell():
    """FACTS of the field: 689,600 parameters on 320 channels; 79.3 GFLOP for a step of batch 8 at 49x49 cells."""
    setting = CellSetting(in_channels=(320,), channels=256, output_stride=16, crop=(769, 769))
    assert setting.size == (49, 49)
    cost = cell_cost(PUBLISHED_CELL, setting)
    assert cost.parameters == 689_600
    assert 2 * 3 * 8 * cost.multiply_adds / 1e9 == pytest.approx(79.3, abs=0.6)


@pytest.mark.parametrize(
    ("operator", "cost"),
    [
        # The projection: 4 x 4 weights and 8 of batch norm, 32 cells of 16 multiply-adds.
        (Conv1x1(), Cost(40 + 8 + 24, 32 * 40 + 512)),
        (AtrousSeparable(rate=(1, 1)), Cost(90 + 20 + 40 + 8 + 24, 32 * (90 + 40) + 512)),
        # Windows of 4x2 cells (127 / 16 / 4 + 1 = 2.98): 1 x 7 means.
        (PyramidPooling(grid=(1, 4)), Cost(40 + 8 + 24, 7 * 40 + 512)),
    ],
)
def test_one_branch_by_hand(operator, cost):
    assert cell_cost(one(operator), SETTING) == cost


def test_levels_and_a_width_of_its_own():
    branches = (Branch(input=-2, operator=Conv1x1()), Branch(input=0, operator=Conv1x1()))
    cell = DenseCell(branches=branches, levels=(16, 32), channels=3)
    # 20 x 3 and 3 x 3 weights, a projection of 6 x 3, three batch norms of 6.
    setting = CellSetting(in_channels=(10, 20), channels=4, output_stride=16, crop=(64, 128))
    assert cell_cost(cell, setting) == Cost(60 + 9 + 18 + 18, 32 * (60 + 9 + 18))


def test_a_unit_is_refused():
    with pytest.raises(
        ValueError, match="glore is not counted by formula: a limit needs a cell of the plain operators"
    ):
        cell_cost(one(GloRe(nodes=32)), SETTING)


@given(
    st.integers(1, 5),
    st.lists(st.integers(1, 30), min_size=1, max_size=3),
    st.integers(1, 30),
    st.integers(0, 2**32),
)
def test_no_cell_is_smaller_than_the_smallest(branches, in_channels, width, seed):
    levels = (8, 16, 32)[: len(in_channels)] if len(in_channels) > 1 else None
    setting = CellSetting(tuple(in_channels), width, 8, (65, 96))
    least = cell_cost(smallest_cell(branches, in_channels, width, levels), setting)
    other = cell_cost(sample(branches, random.Random(seed), levels=levels), setting)
    assert least.parameters <= other.parameters
    assert least.multiply_adds <= other.multiply_adds
