import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.models.layers.depthwise import BLOCK_BYTES, DepthwiseAtrous, _blocks, _PerTap

RATES = st.tuples(st.integers(1, 24), st.integers(1, 24))


def gradients(function, x, weight):
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    y = function(x, weight)
    probe = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
    return y.detach(), *torch.autograd.grad(y, (x, weight), probe)


@st.composite
def maps(draw):
    images, channels = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    x = torch.randn(images, channels, height, width, dtype=torch.float64, generator=generator)
    if draw(st.booleans()):
        x = x.contiguous(memory_format=torch.channels_last)
    return x, torch.randn(channels, 1, 3, 3, dtype=torch.float64, generator=generator)


@settings(max_examples=60)
@given(maps(), RATES)
def test_taps_agree_with_conv2d(map_and_weight, rate):
    x, weight = map_and_weight
    channels = x.shape[1]
    fast = gradients(lambda x, w: _PerTap.apply(x, w, rate), x, weight)
    slow = gradients(lambda x, w: F.conv2d(x, w, padding=rate, dilation=rate, groups=channels), x, weight)
    for ours, theirs in zip(fast, slow, strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_taps_agree_over_several_blocks():
    x = torch.randn(5, 48, 33, 47, dtype=torch.float64)
    assert len(_blocks(x.permute(0, 2, 3, 1))) > 1
    assert x[0].numel() * x.itemsize < BLOCK_BYTES
    weight = torch.randn(48, 1, 3, 3, dtype=torch.float64)
    fast = gradients(lambda x, w: _PerTap.apply(x, w, (6, 21)), x, weight)
    slow = gradients(lambda x, w: F.conv2d(x, w, padding=(6, 21), dilation=(6, 21), groups=48), x, weight)
    for ours, theirs in zip(fast, slow, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("needs_x", "needs_weight"), [(True, False), (False, True)])
def test_only_the_gradient_that_is_needed(needs_x, needs_weight):
    x = torch.randn(2, 3, 8, 9, dtype=torch.float64, requires_grad=needs_x)
    weight = torch.randn(3, 1, 3, 3, dtype=torch.float64, requires_grad=needs_weight)
    wanted = x if needs_x else weight
    (ours,) = torch.autograd.grad(_PerTap.apply(x, weight, (2, 3)).square().sum(), wanted)
    theirs = torch.autograd.grad(F.conv2d(x, weight, padding=(2, 3), dilation=(2, 3), groups=3).square().sum(), wanted)
    torch.testing.assert_close(ours, theirs[0], rtol=0, atol=1e-10)


def test_gradcheck():
    x = torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, w: _PerTap.apply(x, w, (2, 3)), (x, weight))


@pytest.mark.parametrize("rate", [(1, 1), (1, 6), (6, 1), (3, 9), (12, 12)])
def test_an_impulse_lands_at_multiples_of_the_rate(rate):
    """The rate is (vertical, horizontal). Output (y, x) reads tap (i, j) at (y + (i-1) r_h, x + (j-1) r_w)."""
    layer = DepthwiseAtrous(1, rate)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(1.0, 10).reshape(1, 1, 3, 3))
    x = torch.zeros(1, 1, 31, 33)
    x[0, 0, 15, 16] = 1
    y = layer(x)[0, 0]
    expected = {(15 - (i - 1) * rate[0], 16 - (j - 1) * rate[1]): 1.0 + 3 * i + j for i in range(3) for j in range(3)}
    assert {tuple(p.tolist()): y[tuple(p)].item() for p in y.nonzero()} == expected


def test_rates_beyond_the_map_leave_the_centre_tap():
    layer = DepthwiseAtrous(4, (21, 18))
    x = torch.randn(2, 4, 16, 18)
    torch.testing.assert_close(layer(x), x * layer.weight[:, 0, 1, 1].reshape(1, 4, 1, 1))


def test_a_rate_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        DepthwiseAtrous(1, (0, 1))


def test_initial_weights_are_truncated_at_two_deviations():
    weight = DepthwiseAtrous(20_000, (1, 1)).weight
    assert weight.abs().max() <= 2 * 0.33
    assert weight.std().item() == pytest.approx(0.33 * 0.8796, rel=0.01)  # a normal cut at 2 keeps 0.8796 of its std


def test_bfloat16_autocast_takes_another_path_and_agrees():
    layer, x = DepthwiseAtrous(8, (3, 6)), torch.randn(2, 8, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x), rtol=0.02, atol=0.02)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("rate", [(1, 1), (6, 21), (18, 3)])
def test_cuda_agrees_with_the_cpu(rate):
    layer = DepthwiseAtrous(6, rate).double()
    x = torch.randn(2, 6, 17, 33, dtype=torch.float64)
    ours = gradients(lambda x, w: torch.func.functional_call(layer, {"weight": w}, x), x, layer.weight.detach())
    layer.cuda()
    theirs = gradients(
        lambda x, w: torch.func.functional_call(layer, {"weight": w.cuda()}, x.cuda()).cpu(),
        x,
        layer.weight.detach().cpu(),
    )
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
