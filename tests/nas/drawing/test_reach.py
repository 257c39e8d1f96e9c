"""What a branch reaches: by hand, and against the gradients of the network that is built."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nas.drawing.reach import Reach, Span, own_reach, reach_of, window_of
from nas.drawing.setting import Setting
from search_spaces import PUBLISHED_CELL, AtrousSeparable, Branch, Conv1x1, DenseCell, GloRe, PyramidPooling
from search_spaces.dense_cell.space import sample

PAPER = Setting()


def test_by_hand():
    assert PAPER.size == (33, 33)
    assert own_reach(Conv1x1(), PAPER) == Reach(Span(16, 16), Span(16, 16))
    assert own_reach(AtrousSeparable(rate=(6, 15)), PAPER) == Reach(Span(10, 22), Span(1, 31))
    # The taps 18 rows above and below are outside.
    assert own_reach(AtrousSeparable(rate=(18, 1)), PAPER) == Reach(Span(16, 16), Span(15, 17))
    pooling = PyramidPooling(grid=(2, 8))
    assert window_of(pooling, PAPER) == (17, 5)
    assert own_reach(pooling, PAPER) == Reach(Span(8, 24), Span(14, 18))
    assert own_reach(GloRe(nodes=32), PAPER) == Reach(Span(0, 32), Span(0, 32))


def test_rates_are_those_of_the_stride():
    atrous = AtrousSeparable(rate=(6, 1))
    assert own_reach(atrous, Setting((513, 513), (8,))) == Reach(Span(32 - 12, 32 + 12), Span(30, 34))
    assert own_reach(atrous, Setting((513, 513), (8,), rate_multiplier=1)) == Reach(Span(26, 38), Span(31, 33))
    # 16 rows: the middle one is number 8, so that 8 rows above it is inside and 8 below is not.
    even = Setting((256, 256), (16,))
    assert own_reach(AtrousSeparable(rate=(9, 6)), even) == Reach(Span(8, 8), Span(2, 14))


def test_what_a_branch_reads_is_reached_through_it():
    # Branch 1 reads columns 1, 16 and 31 of branch 0, which reads 6 columns to both sides as far as there are such.
    assert reach_of(PUBLISHED_CELL, 0, PAPER) == Reach(Span(15, 17), Span(10, 22))
    assert reach_of(PUBLISHED_CELL, 1, PAPER) == Reach(Span(15, 17), Span(1, 31))
    # From rows 10 and 22 of branch 1 one tap 18 rows away is inside: rows 28 and 4, and one more on each side.
    assert reach_of(PUBLISHED_CELL, 2, PAPER) == Reach(Span(3, 29), Span(1, 31))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_the_built_network_has_gradients_there_and_nowhere_else(seed):
    torch = pytest.importorskip("torch")
    from nas.models.heads.dense_cell import DenseCellHead
    from nas.models.heads.setting import HeadSetting

    rng = random.Random(seed)
    cell = sample(5, rng)
    crop, stride = rng.choice([((257, 257), 16), ((256, 384), 16), ((129, 257), 8), ((65, 65), 16)])
    setting = Setting(crop, (stride,), rng.choice([None, 1]))
    head = DenseCellHead(cell, [2], HeadSetting(2, 0.0, stride, crop, setting.rate_multiplier)).double().eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.abs_().add_(0.1)  # positive all the way, so that no gradient is zero by chance
    for index in range(len(cell.branches)):
        features = torch.rand(1, 2, *setting.size, dtype=torch.float64, requires_grad=True)
        outputs: list[Any] = []
        for branch, source in zip(head.branches, head.inputs, strict=True):
            outputs.append(branch(features if source < 0 else outputs[source]))
        height, width = setting.size
        outputs[index][0, :, height // 2, width // 2].sum().backward()
        rows, columns = features.grad[0].sum(0).abs().gt(1e-300).nonzero().T.tolist()
        assert reach_of(cell, index, setting) == Reach(Span(min(rows), max(rows)), Span(min(columns), max(columns))), (
            cell.branches[index],
            setting,
        )


def test_a_chain_ends_at_the_level_that_it_reads():
    cell = DenseCell(
        branches=(Branch(input=-2, operator=AtrousSeparable(rate=(1, 3))), Branch(input=0, operator=Conv1x1())),
        levels=(8, 16),
    )
    setting = Setting((65, 65), (8, 16), rate_multiplier=1)
    assert reach_of(cell, 1, setting) == own_reach(AtrousSeparable(rate=(1, 3)), setting)
