"""The dense cell's module against a literal reading of its definition, and its counts against a formula."""

import json
import random

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.models.complexity import multiply_adds
from nas.models.parameters import count_parameters
from search_spaces.dense_cell.architecture import (
    PUBLISHED_CELL,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    PyramidPooling,
)
from search_spaces.dense_cell.deeplab import read_deeplab
from search_spaces.dense_cell.geometry import rate_multiplier_for
from search_spaces.dense_cell.space import sample
from tests.nas.models.one_map import build_head

PUBLISHED_JSON = """[{"kernel":3,"rate":[1,6],"op":"conv","input":-1},{"kernel":3,"rate":[18,15],"op":"conv","input":0},
{"kernel":3,"rate":[6,3],"op":"conv","input":1},{"kernel":3,"rate":[1,1],"op":"conv","input":0},
{"kernel":3,"rate":[6,21],"op":"conv","input":0}]"""

CELLS = st.builds(lambda branches, seed: sample(branches, random.Random(seed)), st.integers(1, 6), st.integers(0))


def batch_norm(state, prefix, x):
    """Evaluation mode, written out."""
    mean, var = state[f"{prefix}.running_mean"], state[f"{prefix}.running_var"]
    weight, bias = state[f"{prefix}.weight"], state[f"{prefix}.bias"]
    shape = (1, -1, 1, 1)
    x = (x - mean.reshape(shape)) / (var + 1e-5).sqrt().reshape(shape)
    return x * weight.reshape(shape) + bias.reshape(shape)


def pointwise(state, prefix, x):
    y = torch.einsum("oc,nchw->nohw", state[f"{prefix}.conv.weight"][:, :, 0, 0], x)
    return batch_norm(state, f"{prefix}.bn", y).clamp(min=0)


def separable(state, prefix, x, rate):
    weight = state[f"{prefix}.depthwise.weight"]
    rh, rw = rate
    height, width = x.shape[-2:]
    padded = F.pad(x, (rw, rw, rh, rh))
    y = torch.zeros_like(x)
    for i in range(3):
        for j in range(3):
            window = padded[:, :, i * rh : i * rh + height, j * rw : j * rw + width]
            y += window * weight[:, 0, i, j].reshape(1, -1, 1, 1)
    y = batch_norm(state, f"{prefix}.bn", y).clamp(min=0)
    return pointwise(state, f"{prefix}.pointwise", y)


def window(grid, crop, stride, size):
    sides = (int((side - 1) / (stride * cells) + 1) for side, cells in zip(crop, grid, strict=True))
    return [min(side, cells) for side, cells in zip(sides, size, strict=True)]


def pooling(state, prefix, x, kernel):
    height, width = x.shape[-2:]
    kh, kw = kernel
    means = x.unfold(2, kh, 1).unfold(3, kw, 1).mean((-2, -1))
    y = pointwise(state, f"{prefix}.project", means)
    out = torch.empty(*y.shape[:2], height, width, dtype=y.dtype)
    for row in range(height):
        for column in range(width):
            out[:, :, row, column] = bilinear(y, corner(row, height, y.shape[2]), corner(column, width, y.shape[3]))
    return out


def corner(index, size, source):
    return index * (source - 1) / (size - 1) if size > 1 else 0.0


def bilinear(y, row, column):
    top, left = int(row), int(column)
    bottom, right = min(top + 1, y.shape[2] - 1), min(left + 1, y.shape[3] - 1)
    upper = y[:, :, top, left] * (1 - column + left) + y[:, :, top, right] * (column - left)
    lower = y[:, :, bottom, left] * (1 - column + left) + y[:, :, bottom, right] * (column - left)
    return upper * (1 - row + top) + lower * (row - top)


def literal_head(cell, state, x, crop, stride):
    """Y_i = OP_i(X_i); the concat of all Y_i through 1x1, BN, ReLU. Rates times 16 / stride."""
    multiplier = 16 // stride
    outputs: list[torch.Tensor] = []
    for index, branch in enumerate(cell.branches):
        source = x if branch.input == -1 else outputs[branch.input]
        prefix = f"branches.{index}"
        if branch.operator.op == "conv1x1":
            outputs.append(pointwise(state, prefix, source))
        elif branch.operator.op == "atrous_separable":
            rate = tuple(r * multiplier for r in branch.operator.rate)
            outputs.append(separable(state, prefix, source, rate))
        else:
            kernel = window(branch.operator.grid, crop, stride, x.shape[-2:])
            outputs.append(pooling(state, prefix, source, kernel))
    return pointwise(state, "project", torch.cat(outputs, 1))


def shake(module):
    """Running statistics and affine parameters that are not their initial values, in float64."""
    module.double().eval()
    for name, tensor in module.state_dict().items():
        if ".bn." in f".{name}" and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if name.endswith("var") else tensor.add_(torch.randn_like(tensor) * 0.3)
    return module


@settings(max_examples=25)
@given(CELLS, st.sampled_from([8, 16]), st.integers(0, 2**31))
def test_the_module_is_the_literal_head(cell, stride, seed):
    torch.manual_seed(seed)
    crop = (5 * stride, 7 * stride + 1)
    head = shake(build_head(cell, 3, channels=4, output_stride=stride, crop=crop))
    x = torch.randn(2, 3, 5, 8, dtype=torch.float64)
    expected = literal_head(cell, head.state_dict(), x, crop, stride)
    torch.testing.assert_close(head(x), expected, rtol=0, atol=1e-10)


def test_the_published_cell_is_the_literal_head():
    head = shake(build_head(PUBLISHED_CELL, 6, channels=5))
    x = torch.randn(1, 6, 33, 33, dtype=torch.float64)
    expected = literal_head(PUBLISHED_CELL, head.state_dict(), x, (513, 513), 16)
    torch.testing.assert_close(head(x), expected, rtol=0, atol=1e-10)


def counted(cell, in_channels, channels):
    """Weights and batch norm's two per channel, by the definitions in the paper's appendix."""
    total = 0
    for branch in cell.branches:
        read = in_channels if branch.input == -1 else channels
        total += read * channels + 2 * channels
        if branch.operator.op == "atrous_separable":
            total += 9 * read + 2 * read
    return total + len(cell.branches) * channels * channels + 2 * channels


@pytest.mark.parametrize("in_channels", [24, 320, 1280, 2048])
def test_parameters_of_the_published_cell(in_channels):
    cell = read_deeplab(json.loads(PUBLISHED_JSON))
    head = build_head(cell, in_channels)
    assert count_parameters(head) == counted(cell, in_channels, 256)
    # Only the first branch reads the features: 9 + 2 + 256 parameters for each of their channels.
    assert count_parameters(head) == 689_600 + (in_channels - 320) * 267


@settings(max_examples=25)
@given(CELLS, st.integers(1, 40), st.integers(1, 20))
def test_parameters_of_any_cell(cell, in_channels, channels):
    assert count_parameters(build_head(cell, in_channels, channels=channels)) == counted(cell, in_channels, channels)


def test_multiply_adds_of_the_published_cell():
    """FACTS of the field: 79.3 GFLOP for a training step of batch 8 at 49x49 (forward, and twice that backward)."""
    cells = 49 * 49
    expected = cells * (9 * 320 + 320 * 256 + 4 * (9 * 256 + 256 * 256) + 5 * 256 * 256)
    assert multiply_adds(build_head(PUBLISHED_CELL, 320), [(320, 49, 49)]) == expected
    assert 2 * 3 * 8 * expected / 1e9 == pytest.approx(79.3, abs=0.6)


@pytest.mark.parametrize(("stride", "factor"), [(8, 2), (16, 1), (32, 1)])
def test_rates_are_for_output_stride_16(stride, factor):
    assert rate_multiplier_for(stride) == factor
    head = build_head(PUBLISHED_CELL, 3, channels=2, output_stride=stride)
    rates = [branch.get_submodule("depthwise").rate for branch in head.get_submodule("branches").children()]
    operators = [branch.operator for branch in PUBLISHED_CELL.branches]
    assert rates == [tuple(factor * r for r in each.rate) for each in operators if isinstance(each, AtrousSeparable)]


def test_a_given_multiplier_wins():
    head = build_head(PUBLISHED_CELL, 3, channels=2, output_stride=8, rate_multiplier=1)
    assert head.get_submodule("branches.4.depthwise").rate == (6, 21)


def test_pooling_windows_come_from_crop_stride_and_grid():
    cell = DenseCell(branches=(Branch(input=-1, operator=PyramidPooling(grid=(4, 2))),))
    assert build_head(cell, 3).get_submodule("branches.0").kernel == (9, 17)
    fine = build_head(cell, 3, crop=(128, 256), output_stride=8)
    assert fine.get_submodule("branches.0").kernel == (4, 16)


def test_dropout_stands_before_the_projection():
    cell = DenseCell(branches=(Branch(input=-1, operator=Conv1x1()),))
    head = build_head(cell, 8, channels=64, dropout=0.5).train()
    seen: list[torch.Tensor] = []
    head.get_submodule("project").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    head.get_parameter("branches.0.bn.bias").data.fill_(10)
    head(torch.randn(4, 8, 16, 16))
    assert (seen[0] == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)


def test_the_same_seed_gives_the_same_head_and_the_same_step():
    def step() -> torch.Tensor:
        torch.manual_seed(7)
        head = build_head(sample(5, random.Random(3)), 8, channels=8, crop=(128, 128))
        loss = head(torch.randn(4, 8, 8, 8)).square().mean()
        loss.backward()
        return torch.cat([p.grad.flatten() for p in head.parameters() if p.grad is not None])

    assert torch.equal(step(), step())


@settings(max_examples=10)
@given(CELLS)
def test_bfloat16_autocast_is_finite_and_near(cell):
    torch.manual_seed(0)
    head = build_head(cell, 8, channels=16, crop=(128, 256), output_stride=8).eval()
    x = torch.randn(2, 8, 16, 32)
    with torch.autocast("cpu", torch.bfloat16):
        y = head(x)
    assert torch.isfinite(y).all()
    torch.testing.assert_close(y.float(), head(x), rtol=0.1, atol=0.1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_agrees_with_the_cpu():
    cell = DenseCell(
        branches=(
            Branch(input=-1, operator=AtrousSeparable(rate=(6, 21))),
            Branch(input=0, operator=PyramidPooling(grid=(2, 4))),
            Branch(input=1, operator=Conv1x1()),
        )
    )
    head = shake(build_head(cell, 8, channels=16))
    x = torch.randn(2, 8, 33, 33, dtype=torch.float64)
    torch.testing.assert_close(head(x), head.cuda()(x.cuda()).cpu(), rtol=0, atol=1e-10)
