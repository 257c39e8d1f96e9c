"""Heads on several levels: dense cells that read them one by one, and heads of one map on their concatenation."""

import random
from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nas.models.backbones.base import Level
from nas.models.heads.build import build_head
from nas.models.heads.dense_cell import DenseCellHead
from nas.models.heads.levels import ConcatenatedLevels
from nas.models.heads.setting import HeadSetting
from nas.models.networks import build_classifier_head
from nas.models.parameters import count_parameters
from nas.specs import HeadSpec
from search_spaces.dense_cell.architecture import (
    PUBLISHED_CELL,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    PyramidPooling,
)
from search_spaces.dense_cell.space import sample
from search_spaces.reference.architecture import ReferenceHead
from tests.nas.models.one_map import build_head as build_on_one_map

LEVELS = [Level(8, 3), Level(16, 5)]
SETTING = HeadSetting(channels=4, output_stride=8, crop=(64, 96))


def maps(crop: tuple[int, int] = (64, 96), levels: Sequence[Level] = LEVELS) -> list[Tensor]:
    return [torch.randn(2, channels, -(-crop[0] // s), -(-crop[1] // s), dtype=torch.float64) for s, channels in levels]


def built(cell: DenseCell, crop: tuple[int, int] = (64, 96)) -> DenseCellHead:
    """In float64 and evaluation mode."""
    head = build_head(cell, LEVELS, HeadSetting(channels=4, output_stride=8, crop=crop)).double().eval()
    assert isinstance(head, DenseCellHead)
    return head


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.sampled_from([(64, 96), (65, 97)]))
def test_every_branch_is_its_operator_on_the_map_it_reads(seed, crop):
    """Written out branch by branch; the coarse map is resized by corners for crops of a multiple of 16 plus 1."""
    torch.manual_seed(seed)
    cell = sample(4, random.Random(seed), levels=(8, 16))
    head = built(cell, crop)
    fine, coarse = maps(crop)
    resized = F.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=crop[0] % 16 == 1)
    outputs: list[Tensor] = []
    for branch, module in zip(cell.branches, head.branches, strict=True):
        outputs.append(module({-1: fine, -2: resized}[branch.input] if branch.input < 0 else outputs[branch.input]))
    expected = head.project(torch.cat(outputs, 1))
    torch.testing.assert_close(head(fine, coarse), expected, rtol=0, atol=1e-12)


def test_a_cell_that_reads_the_finest_level_alone_is_the_plain_cell():
    cell = PUBLISHED_CELL.model_copy(update={"levels": (8, 16)})
    head, plain = built(cell), build_on_one_map(PUBLISHED_CELL, 3, channels=4, output_stride=8, crop=(64, 96))
    head.load_state_dict(plain.state_dict())
    fine, coarse = maps()
    assert torch.equal(head(fine, coarse), plain.double().eval()(fine))


def test_gradients_reach_every_parameter_and_the_levels_that_are_read():
    cell = DenseCell(
        branches=(
            Branch(input=-2, operator=AtrousSeparable(rate=(1, 3))),
            Branch(input=0, operator=Conv1x1()),
            Branch(input=-2, operator=PyramidPooling(grid=(2, 4))),
        ),
        levels=(8, 16),
    )
    head = built(cell).train()
    fine, coarse = (level.requires_grad_() for level in maps())
    head(fine, coarse).square().sum().backward()
    assert fine.grad is None
    assert coarse.grad is not None
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in head.parameters())


@pytest.mark.parametrize("levels", [None, (8, 16)])
def test_a_cell_of_its_own_width_overrides_the_setting(levels):
    cell = DenseCell(branches=(Branch(input=-1, operator=Conv1x1()),), levels=levels, channels=6)
    head = build_classifier_head(cell, LEVELS, 5, HeadSpec(channels=4), (64, 96))
    assert head.head.out_channels == 6
    read = 3 if levels else 3 + 5
    assert count_parameters(head) == read * 6 + 12 + 6 * 6 + 12 + 5 * 7
    assert head(*(level.float() for level in maps())).shape == (2, 5, 8, 12)


@pytest.mark.parametrize("architecture", [PUBLISHED_CELL, *(ReferenceHead(name=n) for n in ("conv1x1", "aspp", "ppm"))])
def test_a_head_of_one_map_reads_the_concatenation(architecture):
    head = build_head(architecture, LEVELS, SETTING).double().eval()
    assert isinstance(head, ConcatenatedLevels)
    alone = build_on_one_map(architecture, 8, channels=4, output_stride=8, crop=(64, 96)).double().eval()
    alone.load_state_dict(head.head.state_dict())
    fine, coarse = maps()
    joined = torch.cat([fine, F.interpolate(coarse, fine.shape[2:], mode="bilinear")], 1)
    torch.testing.assert_close(head(fine, coarse), alone(joined), rtol=0, atol=1e-12)


@pytest.mark.parametrize("strides", [(8,), (4, 8), (8, 16, 32)])
def test_other_levels_are_refused_with_a_sentence(strides):
    cell = sample(3, random.Random(0), levels=(8, 16))
    setting = HeadSetting(channels=4, output_stride=strides[0])
    with pytest.raises(ValueError, match=r"the cell reads the levels \[8, 16\], but the backbone gives \[.*\]: set"):
        build_head(cell, [Level(stride, 3) for stride in strides], setting)


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture",
    [
        DenseCell(branches=tuple(Branch(input=i, operator=Conv1x1()) for i in (-1, -2, 1)), levels=(8, 16)),
        ReferenceHead(name="conv1x1"),
    ],
    ids=["cell", "concatenated"],
)
def test_traced_for_any_size(architecture):
    head = build_classifier_head(architecture, LEVELS, 5, HeadSpec(channels=4), (64, 96)).eval()
    example = tuple(level.float() for level in maps())
    sides = dict.fromkeys((2, 3), torch.export.Dim.AUTO)
    exported = torch.export.export(head, example, dynamic_shapes={"levels": (sides, sides)}).module()
    for crop in ((64, 96), (65, 97), (128, 128)):
        levels = [level.float() for level in maps(crop)]
        torch.testing.assert_close(exported(*levels), head(*levels), rtol=0, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("levels", [None, (8, 16)])
def test_cuda_gradients_are_the_same_every_time(levels):
    head = build_head(sample(4, random.Random(2), levels=levels), LEVELS, SETTING).cuda()
    inputs = [level.float().cuda() for level in maps()]

    def gradient() -> Tensor:
        head.zero_grad()
        head(*inputs).square().mean().backward()
        return torch.cat([p.grad.flatten() for p in head.parameters() if p.grad is not None])

    assert torch.equal(gradient(), gradient())
