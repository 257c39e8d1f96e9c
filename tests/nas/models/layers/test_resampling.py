import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nas.models.layers.resampling import (
    _apply_maps,
    _by_products,
    _interpolation,
    bin_means,
    resize,
    sliding_mean,
    upsample,
)

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
    maps = _interpolation(height, to_height, True, CPU, F64), _interpolation(width, to_width, True, CPU, F64)
    torch.testing.assert_close(_apply_maps(x, *maps), resize(x, (to_height, to_width)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize(
    ("have", "want"), [((5, 9), (33, 65)), ((4, 8), (32, 64)), ((3, 3), (7, 20)), ((1, 2), (8, 16))]
)
def test_products_are_bilinear_interpolation(have, want, aligned):
    """A CUDA device takes the products in `upsample`."""
    x = torch.randn(2, 3, *have)
    rows, columns = (_interpolation(a, b, aligned, CPU, x.dtype) for a, b in zip(have, want, strict=True))
    expected = F.interpolate(x, want, mode="bilinear", align_corners=aligned)
    torch.testing.assert_close(_by_products(x, rows, columns), expected, rtol=0, atol=1e-5)


def test_upsample_leaves_the_same_size_alone():
    x = torch.randn(1, 2, 4, 4)
    assert upsample(x, (4, 4)) is x


def test_upsample_by_hand():
    """Two cells over four pixels: their middles lie at 1/2 and 5/2. Two cells over three: on pixels 0 and 2."""
    x = torch.tensor([[[[0.0, 4.0]] * 2]])
    assert upsample(x, (2, 4)).tolist() == [[[[0.0, 1.0, 3.0, 4.0]] * 2]]
    assert upsample(x, (3, 3)).tolist() == [[[[0.0, 2.0, 4.0]] * 3]]


@pytest.mark.parametrize(
    ("cells", "pixels", "aligned"),
    [
        ((33, 33), (513, 513), True),  # stride 16, the field's crop
        ((65, 129), (513, 1025), True),  # stride 8
        ((33, 65), (65, 129), True),  # stride 16 of that crop to stride 8
        ((16, 32), (128, 256), False),
        ((8, 16), (16, 32), False),
        ((2, 2), (16, 16), False),  # 15 pixels between two cells: no stride
        ((33, 32), (513, 512), False),  # one side each: the middles for both
    ],
)
def test_corners_are_aligned_where_cells_lie_on_them(cells, pixels, aligned):
    x = torch.randn(1, 1, *cells)
    expected = F.interpolate(x, pixels, mode="bilinear", align_corners=aligned)
    assert torch.equal(upsample(x, pixels), expected)


class _Upsampled(nn.Module):
    def forward(self, x: torch.Tensor, finer: torch.Tensor) -> torch.Tensor:
        return upsample(x, (finer.shape[2], finer.shape[3])) + finer


def test_upsample_is_one_operation_in_a_graph_of_known_size():
    exported = torch.export.export(_Upsampled(), (torch.randn(1, 2, 4, 4), torch.randn(1, 2, 8, 8)))
    operations = [node for node in exported.graph.nodes if node.op == "call_function"]
    assert len(operations) == 2


@pytest.mark.slow
def test_a_graph_of_any_size_chooses_the_rule_itself():
    sides = dict.fromkeys((2, 3), torch.export.Dim.DYNAMIC)
    example = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 8, 8)
    exported = torch.export.export(_Upsampled(), example, dynamic_shapes={"x": sides, "finer": sides}).module()
    for have, want in [((8, 8), (16, 16)), ((33, 17), (65, 33)), ((5, 7), (9, 20)), ((1, 3), (2, 6)), ((3, 4), (3, 4))]:
        x, finer = torch.randn(1, 2, *have), torch.randn(1, 2, *want)
        torch.testing.assert_close(exported(x, finer), _Upsampled()(x, finer), rtol=0, atol=1e-5)


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
    for size in ((33, 49), (18, 26)):
        torch.testing.assert_close(upsample(x.cuda(), size).cpu(), upsample(x, size))
    torch.testing.assert_close(bin_means(x.cuda(), (2, 6)).cpu(), bin_means(x, (2, 6)))

    def gradient() -> torch.Tensor:
        leaf = x.cuda().requires_grad_()
        (bin_means(resize(upsample(leaf, (33, 49)), (65, 63)), (6, 6)) ** 2).sum().backward()
        assert leaf.grad is not None
        return leaf.grad

    assert torch.equal(gradient(), gradient())
