"""Fused layers by native kernels against the same layers by torch's operators."""

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nas.models.heads.operators import AtrousSeparable
from nas.models.layers.conv import ConvBNReLU
from nas.models.layers.depthwise import DepthwiseAtrous
from nas.models.layers.fused import fused_pointwise, fused_separable
from nas.models.layers.native import without_kernels

pytestmark = pytest.mark.usefixtures("native_heads")


def ran(layer, x, slope):
    """Output, gradients and changed buffers of a training step of a copy of the layer."""
    layer, x = copy.deepcopy(layer), x.clone(memory_format=torch.preserve_format).requires_grad_()
    y = layer(x)
    y.backward(slope)
    parts = {"out": y.detach(), "x": x.grad}
    parts |= {name: parameter.grad for name, parameter in layer.named_parameters()}
    return parts | {name: buffer.double() for name, buffer in layer.named_buffers()}


def agree(layer, x, slope, tolerance=1e-9):
    """Compare a step in float64."""
    found = ran(layer, x, slope)
    with without_kernels():
        wanted = ran(layer, x, slope)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name].shape == value.shape
    assert largest_error(found, wanted) <= tolerance


def largest_error(found, wanted):
    """The largest difference, in parts of the largest number: a gradient that is zero but for rounding has no scale."""
    scale = max(1.0, *(float(value.abs().max()) for value in wanted.values()))
    return max(float((found[name] - value).abs().max()) for name, value in wanted.items()) / scale


def layer_of(kind, channels, outputs, rate, dtype):
    layer = AtrousSeparable(channels, outputs, rate) if kind == "separable" else ConvBNReLU(channels, outputs)
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.dim() == 1:  # batch norm's scale and shift: not only one and zero
                parameter.copy_(torch.randn_like(parameter))
    return layer.to(dtype)


def map_of(shape, dtype, channels_last=True):
    x = torch.randn(*shape, dtype=dtype)
    return x.contiguous(memory_format=torch.channels_last) if channels_last else x


@pytest.mark.parametrize("kind", ["separable", "pointwise"])
@pytest.mark.parametrize(
    ("shape", "outputs", "rate"),
    [
        ((8, 32, 16, 32), 32, (18, 15)),  # the demo's: taps of all kinds, some beyond the map
        ((3, 33, 13, 21), 19, (6, 4)),  # channels that are no whole vectors
        ((2, 48, 33, 33), 64, (1, 1)),
        ((2, 5, 9, 7), 3, (2, 3)),
        ((1, 16, 5, 4), 8, (9, 9)),  # no tap but the centre
        ((2, 24, 1, 3), 8, (1, 1)),
    ],
)
def test_a_training_step_agrees(kind, shape, outputs, rate):
    torch.manual_seed(0)
    layer, x = layer_of(kind, shape[1], outputs, rate, torch.float32), map_of(shape, torch.float32)
    slope = map_of((shape[0], outputs, *shape[2:]), torch.float32)
    agree(copy.deepcopy(layer).double(), x.double(), slope.double())
    found = ran(layer, x, slope)
    with without_kernels():
        torchs, exact = ran(layer, x, slope), ran(layer.double(), x.double(), slope.double())
    # In float32 the two round differently: both are compared with what float64 gives.
    assert largest_error(found, exact) <= max(1e-6, 2 * largest_error(torchs, exact))


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 9), st.integers(1, 9)),
    outputs=st.integers(1, 20),
    rate=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    kind=st.sampled_from(["separable", "pointwise"]),
    layout=st.booleans(),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=40)
def test_any_shape_agrees(shape, outputs, rate, kind, layout, seed):
    n, _, height, width = shape
    if n * height * width < 2:
        return  # torch refuses to normalise a single value
    torch.manual_seed(seed)
    layer = layer_of(kind, shape[1], outputs, rate, torch.float64)
    slope = map_of((n, outputs, height, width), torch.float64, not layout)
    with torch.no_grad():  # away from zero, where a value of two elements may fall on either side of the ReLU
        for module in layer.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.bias.copy_(module.bias.sign() * (module.bias.abs() + 0.1))
    agree(layer, map_of(shape, torch.float64, layout), slope, 1e-6 if n * height * width < 4 else 1e-9)


def test_part_of_the_channels_is_read_where_it_lies():
    torch.manual_seed(0)
    wide, slopes = map_of((2, 40, 6, 5), torch.float64), map_of((2, 30, 6, 5), torch.float64)
    for kind in ("separable", "pointwise"):
        agree(layer_of(kind, 16, 8, (2, 1), torch.float64), wide[:, 3:19], slopes[:, 7:15])


@pytest.mark.parametrize("rate", [(2, 3), (1, 1)])
def test_gradcheck(rate):
    torch.manual_seed(0)
    layer = layer_of("separable", 3, 2, rate, torch.float64)
    x = map_of((2, 3, 4, 5), torch.float64).requires_grad_()
    parameters = dict(layer.named_parameters())

    def call(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), x)

    assert torch.autograd.gradcheck(call, (x, *parameters.values()))


@pytest.mark.parametrize("rate", [(1, 6), (6, 1), (3, 9), (12, 12)])
@pytest.mark.parametrize("needs_x", [True, False])
def test_the_depthwise_convolution_alone_agrees(rate, needs_x):
    torch.manual_seed(0)
    layer, x = DepthwiseAtrous(20, rate).double(), torch.randn(2, 20, 9, 14, dtype=torch.float64)
    results = []
    for context in (torch.enable_grad(), without_kernels()):
        with context:
            leaf = x.clone().requires_grad_(needs_x)
            y = layer(leaf)
            wanted = (layer.weight, leaf) if needs_x else (layer.weight,)
            results.append((y.detach(), *torch.autograd.grad(y.square().sum(), wanted)))
    for found, wanted in zip(*results, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)


def test_what_is_not_a_number_stays_so():
    """Else a diverged training would seem finite: a ReLU that compares makes zeros of it."""
    layer, x = layer_of("separable", 4, 4, (2, 2), torch.float32), map_of((2, 4, 5, 5), torch.float32)
    x[0, 1, 2, 3] = torch.nan
    assert layer(x).isnan().any()


def test_results_do_not_depend_on_the_threads():
    torch.manual_seed(0)
    layer, x = layer_of("separable", 32, 24, (3, 5), torch.float32), map_of((4, 32, 24, 20), torch.float32)
    slope = map_of((4, 24, 24, 20), torch.float32)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(ran(layer, x, slope))
    finally:
        torch.set_num_threads(before)
    for name, value in results[0].items():
        assert torch.equal(value, results[1][name]), name


def norm_of(**options: Any):
    return nn.BatchNorm2d(4, **options)


@pytest.mark.parametrize(
    "norm",
    [
        norm_of().eval(),
        norm_of(momentum=None),
        norm_of(affine=False),
        norm_of(track_running_stats=False),
        nn.SyncBatchNorm(4),
        nn.GroupNorm(2, 4),
    ],
    ids=["eval", "cumulative", "plain", "untracked", "synchronised", "no batch norm"],
)
def test_other_norms_are_torchs(norm):
    conv, x = nn.Conv2d(4, 4, 1, bias=False), torch.randn(2, 4, 3, 3)
    assert fused_pointwise(x, conv, norm_of()) is not None
    assert fused_pointwise(x, conv, norm) is None
    assert fused_separable(x, torch.randn(4, 1, 3, 3), (1, 2), norm, conv, norm_of()) is None
    assert fused_separable(x, torch.randn(4, 1, 3, 3), (1, 2), norm_of(), conv, norm) is None


@pytest.mark.parametrize(
    "conv",
    [nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1, 2, bias=False)],
    ids=["3x3", "biased", "strided"],
)
def test_other_convolutions_are_torchs(conv):
    assert fused_pointwise(torch.randn(2, 4, 3, 3), conv, norm_of()) is None


def test_kernels_step_aside():
    """Under autocast, for half precision, in exported graphs, within torch.func's transformations."""
    layer, x = ConvBNReLU(4, 4), torch.randn(2, 4, 3, 3)

    def fused(x: torch.Tensor) -> bool:
        return fused_pointwise(x, layer.conv, layer.bn) is not None

    assert fused(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert not fused(x)
    assert not fused(x.bfloat16())
    assert not fused(x.double())  # its layer is not
    assert not fused(x.to("meta"))
    assert not fused(x[:0])
    assert torch.func.grad(lambda x: x.sum() * (torch.nan if fused(x) else 1))(x).isfinite().all()
    exported = torch.export.export(AtrousSeparable(4, 4, (2, 2)), (x,))
    targets = {str(node.target) for node in exported.graph.nodes if node.op == "call_function"}
    assert any(target.startswith("aten.conv2d") for target in targets)
