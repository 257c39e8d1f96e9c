import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nas.models.parameters import count_parameters
from search_spaces.reference.architecture import ReferenceHead
from tests.nas.models.one_map import build_head

NAMES = ("conv1x1", "aspp", "aspp_separable", "ppm")


def built(name, in_channels=8, output_stride=16):
    head = build_head(ReferenceHead(name=name), in_channels, channels=6, output_stride=output_stride)
    return head.double().eval()


def block(layer, x):
    """Conv, batch norm of fresh statistics (mean 0, variance 1), ReLU, by torch's functional forms."""
    conv = layer.conv
    y = F.conv2d(x, conv.weight, padding=conv.dilation[0] * (conv.kernel_size[0] // 2), dilation=conv.dilation)
    return F.relu(y / (1 + 1e-5) ** 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_out_channels(name):
    head = built(name)
    assert head.out_channels == 6
    assert head(torch.randn(2, 8, 9, 13, dtype=torch.float64)).shape == (2, 6, 9, 13)


def test_aspp_is_five_branches_and_a_projection():
    head, x = built("aspp"), torch.randn(2, 8, 20, 25, dtype=torch.float64)
    pooled = block(head.pooled, x.mean((2, 3), keepdim=True)).expand(-1, -1, 20, 25)
    branches = [block(head.pointwise, x), *(block(layer, x) for layer in head.atrous), pooled]
    assert [layer.conv.dilation for layer in head.atrous] == [(6, 6), (12, 12), (18, 18)]
    torch.testing.assert_close(head(x), block(head.project, torch.cat(branches, 1)), rtol=0, atol=1e-10)


def test_separable_aspp_has_depthwise_convolutions():
    head, x = built("aspp_separable"), torch.randn(2, 8, 20, 25, dtype=torch.float64)
    pooled = block(head.pooled, x.mean((2, 3), keepdim=True)).expand(-1, -1, 20, 25)
    atrous = []
    for rate, layer in zip((6, 12, 18), head.atrous, strict=True):
        y = F.conv2d(x, layer.depthwise.weight, padding=rate, dilation=rate, groups=8)
        atrous.append(block(layer.pointwise, F.relu(y / (1 + 1e-5) ** 0.5)))
    branches = [block(head.pointwise, x), *atrous, pooled]
    torch.testing.assert_close(head(x), block(head.project, torch.cat(branches, 1)), rtol=0, atol=1e-10)


def test_aspp_doubles_its_rates_at_stride_8():
    assert [layer.conv.dilation[0] for layer in built("aspp", output_stride=8).atrous] == [12, 24, 36]


def test_ppm_is_four_levels_beside_the_input():
    head, x = built("ppm"), torch.randn(2, 8, 13, 17, dtype=torch.float64)
    levels = [
        F.interpolate(block(layer, F.adaptive_avg_pool2d(x, bins)), size=(13, 17), mode="bilinear", align_corners=True)
        for bins, layer in zip((1, 2, 3, 6), head.levels, strict=True)
    ]
    torch.testing.assert_close(head(x), block(head.project, torch.cat([x, *levels], 1)), rtol=0, atol=1e-10)


def test_parameters_by_formula():
    """c in, k out: ASPP (c k)(1 + 9 * 3 + 1) + 5 k k, six batch norms; PPM 4 (c c/4) + 9 * 2 c k and its norms."""
    c, k = 2048, 256
    assert count_parameters(build_head(ReferenceHead(name="conv1x1"), c)) == c * k + 2 * k
    assert count_parameters(build_head(ReferenceHead(name="aspp"), c)) == c * k * 29 + 5 * k * k + 6 * 2 * k
    separable = 2 * c * k + 3 * (9 * c + 2 * c + c * k) + 5 * k * k + 6 * 2 * k
    assert count_parameters(build_head(ReferenceHead(name="aspp_separable"), c)) == separable
    ppm = c * c + 2 * c + 9 * 2 * c * k + 2 * k
    assert count_parameters(build_head(ReferenceHead(name="ppm"), c)) == ppm


def test_narrow_features_keep_one_filter_a_level():
    assert built("ppm", in_channels=2).levels[0].conv.out_channels == 1


@pytest.mark.parametrize("name", NAMES)
def test_dropout_comes_last(name):
    head = build_head(ReferenceHead(name=name), 8, channels=64, dropout=0.5)
    assert isinstance(list(head.children())[-1], nn.Dropout)
    head.get_parameter("project.bn.bias").data.fill_(10)
    zeros = (head(torch.randn(4, 8, 16, 16)) == 0).float().mean().item()
    assert zeros == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_autocast_is_finite(name):
    head = build_head(ReferenceHead(name=name), 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.isfinite(head(torch.randn(2, 8, 16, 32))).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", NAMES)
def test_cuda_agrees_with_the_cpu(name):
    head, x = built(name), torch.randn(2, 8, 20, 25, dtype=torch.float64)
    torch.testing.assert_close(head(x), head.cuda()(x.cuda()).cpu(), rtol=0, atol=1e-10)
