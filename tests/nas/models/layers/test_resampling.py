import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from nas.models.layers.resampling import _apply_maps, _resize_map, bin_means, resize, sliding_mean

CPU, F64 = torch.device("cpu"), torch.float64
SIDE = st.integers(1, 12)


def test_sliding_mean_by_hand():
    x = torch.tensor([[[[1.0, 2, 3], [4, 5, 6]]]])
    assert sliding_mean(x, (2, 2)).tolist() == [[[[3.0, 4.0]]]]
    assert sliding_mean(x, (1, 3)).tolist() == [[[[2.0], [5.0]]]]


def test_resize_by_hand():
    """Corners aligned: 2 to 5 cells reads positions 0, 1/4, 1/2, 3/4, 1."""
    x = torch.tensor([[[[0.0, 4.0]]]])
    assert resize(x, (1, 5)).tolist() == [[[[0.0, 1.0, 2.0, 3.0, 4.0]]]]
    assert resize(x, (1, 1)).tolist() == [[[[0.0]]]]
    assert resize(x[..., :1], (2, 3)).tolist() == [[[[0.0] * 3] * 2]]


def test_bin_means_by_hand():
    """5 cells in 3 parts: floor and ceil of multiples of 5/3 give cells 0-1, 1-3, 3-4."""
    x = torch.tensor([[[[1.0, 2, 3, 4, 5]]]])
    torch.testing.assert_close(bin_means(x, (1, 3)), torch.tensor([[[[1.5, 3.0, 4.5]]]]))


@given(SIDE, SIDE, st.data())
def test_sliding_mean_is_average_pooling_with_stride_one(height, width, data):
    window = (data.draw(st.integers(1, height)), data.draw(st.integers(1, width)))
    x = torch.randn(2, 3, height, width, dtype=F64)
    torch.testing.assert_close(sliding_mean(x, window), F.avg_pool2d(x, window, 1), rtol=0, atol=1e-12)


@given(SIDE, SIDE, SIDE, SIDE)
def test_the_two_ways_to_resize_agree(height, width, to_height, to_width):
    """A CUDA device takes the matrices, a CPU torch's own."""
    x = torch.randn(2, 3, height, width, dtype=F64)
    maps = _resize_map(height, to_height, CPU, F64), _resize_map(width, to_width, CPU, F64)
    torch.testing.assert_close(_apply_maps(x, *maps), resize(x, (to_height, to_width)), rtol=0, atol=1e-12)


@given(SIDE, SIDE, SIDE, SIDE)
def test_bin_means_are_adaptive_average_pooling(height, width, rows, columns):
    x = torch.randn(2, 3, height, width, dtype=F64)
    expected = F.adaptive_avg_pool2d(x, (rows, columns))
    torch.testing.assert_close(bin_means(x, (rows, columns)), expected, rtol=0, atol=1e-12)


def test_maps_made_in_inference_mode_serve_training():
    with torch.inference_mode():
        bin_means(torch.randn(1, 1, 11, 7), (5, 3))
    x = torch.randn(1, 1, 11, 7, requires_grad=True)
    bin_means(x, (5, 3)).sum().backward()
    assert x.grad is not None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_agrees_with_the_cpu_and_with_itself():
    x = torch.randn(2, 3, 9, 13)
    torch.testing.assert_close(resize(x.cuda(), (33, 31)).cpu(), resize(x, (33, 31)))
    torch.testing.assert_close(bin_means(x.cuda(), (2, 6)).cpu(), bin_means(x, (2, 6)))

    def gradient() -> torch.Tensor:
        leaf = x.cuda().requires_grad_()
        (bin_means(resize(leaf, (65, 63)), (6, 6)) ** 2).sum().backward()
        assert leaf.grad is not None
        return leaf.grad

    assert torch.equal(gradient(), gradient())
