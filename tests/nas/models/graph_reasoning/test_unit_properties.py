"""What every unit promises, whatever it computes."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nas.models.complexity import multiply_adds
from nas.models.graph_reasoning import (
    ConstantContext,
    DoubleAttention,
    GloRe,
    GraphConvolutionUnit,
    NonLocal,
    SymbolicGraphReasoning,
    shipped_graph,
)
from nas.models.parameters import count_parameters

GRAPH = shipped_graph("cityscapes")
UNITS = {
    "double attention": lambda channels: DoubleAttention(channels, 4, 6),
    "glore": lambda channels: GloRe(channels, 5),
    "sgr": lambda channels: SymbolicGraphReasoning(channels, GRAPH),
    "sgr, one step, words": lambda channels: SymbolicGraphReasoning(channels, GRAPH, steps=1, words=torch.eye(27)),
    "sgr, drawn mapping": lambda channels: SymbolicGraphReasoning(channels, GRAPH, mapping="drawn"),
    "gcu": lambda channels: GraphConvolutionUnit(channels, 4),
    "gcu, dot": lambda channels: GraphConvolutionUnit(channels, 4, assignment="dot"),
    "constant context": ConstantContext,
    "non-local": NonLocal,
}
every_unit = pytest.mark.parametrize("name", UNITS)


def build(name, channels=8):
    """In evaluation mode, with batch norms that are neither zero nor the identity."""
    torch.manual_seed(0)
    unit = UNITS[name](channels)
    for layer in unit.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.3)
            layer.get_buffer("running_mean").normal_(std=0.3)
            layer.get_buffer("running_var").uniform_(0.5, 1.5)
    return unit.eval()


def image(height, width, channels=8):
    return torch.randn(2, channels, height, width, dtype=torch.float64)


@every_unit
@pytest.mark.parametrize("channels_last", [False, True])
def test_shape_stays_and_something_happens(name, channels_last):
    unit, x = build(name).double(), image(5, 7)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    y = unit(x)
    assert y.shape == x.shape
    assert not torch.allclose(x, y)
    torch.testing.assert_close(y, unit(x.contiguous()), rtol=0, atol=1e-12)


@every_unit
def test_permuting_the_pixels_permutes_the_output(name):
    unit, x = build(name).double(), image(5, 7)
    order = torch.randperm(35)

    def permuted(t: Tensor) -> Tensor:
        return t.flatten(2)[:, :, order].unflatten(2, (5, 7))

    torch.testing.assert_close(unit(permuted(x)), permuted(unit(x)), rtol=0, atol=1e-11)


@every_unit
def test_four_times_the_image_changes_nothing(name):
    """A constant image, and any image laid four times side by side: what is summed is normalised."""
    unit = build(name).double()
    for x in (image(1, 1).expand(-1, -1, 4, 6), image(4, 6)):
        torch.testing.assert_close(unit(x.repeat(1, 1, 2, 2)), unit(x).repeat(1, 1, 2, 2), rtol=0, atol=1e-11)


@every_unit
def test_images_of_a_batch_do_not_meet(name):
    unit, x = build(name).double(), image(4, 5)
    torch.testing.assert_close(unit(x)[1:], unit(x[1:]), rtol=0, atol=1e-12)


@every_unit
def test_gradients(name):
    unit, x = build(name, channels=4).double(), image(3, 2, channels=4).requires_grad_()
    names, values = zip(*unit.named_parameters(), strict=True)

    def call(x: Tensor, *parameters: Tensor) -> Tensor:
        return torch.func.functional_call(unit, dict(zip(names, parameters, strict=True)), x)

    assert torch.autograd.gradcheck(call, (x, *values))


@every_unit
def test_every_parameter_learns(name):
    unit, x = build(name).train(), torch.randn(2, 8, 5, 7)
    unit(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in unit.parameters())


@every_unit
def test_bfloat16_autocast_is_finite_and_agrees(name):
    """At 128x256: 32,768 pixels are summed."""
    unit, x = build(name), torch.randn(1, 8, 128, 256)
    if name == "non-local":
        x = x[:, :, ::4, ::4]  # quadratic in pixels; 2,048 of them are enough on a CPU
    with torch.inference_mode():
        exact = unit(x)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = unit(x)
    assert torch.isfinite(rounded).all()
    scale = exact.abs().mean().item()
    assert (rounded.float() - exact).abs().max().item() < 0.1 * scale
    assert (rounded.float() - exact).abs().mean().item() < 0.01 * scale


@every_unit
def test_multiply_adds_are_those_of_a_real_pass(name):
    """They are counted on the meta device and without batch norms; here with both, two operations each."""
    unit = build(name)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        unit(torch.randn(1, 8, 6, 10))
    assert multiply_adds(unit, [(8, 6, 10)]) == counter.get_total_flops() / 2


def test_glore_has_the_published_size():
    assert count_parameters(GloRe(512, 64)) == 185_600


@pytest.mark.parametrize("name", ["glore", "non-local"])
def test_zero_initialised_batch_norm_makes_the_unit_the_identity_at_first(name):
    unit, x = UNITS[name](8), torch.randn(2, 8, 5, 7)
    assert torch.equal(unit(x), x)
    unit(x).square().sum().backward()
    gradient = unit.get_parameter("bn.weight").grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@every_unit
def test_cuda_agrees_with_the_cpu(name):
    unit, x = build(name).double(), image(9, 11)
    torch.testing.assert_close(unit(x), unit.cuda()(x.cuda()).cpu(), rtol=0, atol=1e-10)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@every_unit
def test_cuda_bfloat16_autocast_is_finite_and_agrees(name):
    unit, x = build(name).cuda(), torch.randn(1, 8, 128, 256, device="cuda")
    with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
        rounded = unit(x)
    assert torch.isfinite(rounded).all()
    exact = unit(x)
    assert (rounded.float() - exact).abs().mean().item() < 0.01 * exact.abs().mean().item()
