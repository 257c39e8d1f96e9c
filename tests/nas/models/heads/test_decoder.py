"""DeepLabv3+'s decoder: published size, agreement with plain functions, any head inside."""

import pytest
import torch
import torch.nn.functional as F

from nas.models.backbones.base import Level
from nas.models.complexity import multiply_adds
from nas.models.heads.build import build_head
from nas.models.heads.decoder import DecodedHead
from nas.models.heads.reference import ASPPHead
from nas.models.heads.setting import HeadSetting
from nas.models.parameters import count_parameters
from nas.specs import DecoderSpec
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.reference.architecture import ReferenceHead

DEFAULT = DecoderSpec()


def decoded(architecture, levels, filters=8, decoder=DEFAULT) -> DecodedHead:
    setting = HeadSetting(channels=filters, output_stride=levels[0].stride, dropout=0.0, decoder=decoder)
    head = build_head(architecture, levels, setting)
    assert isinstance(head, DecodedHead)
    return head


def test_deeplabv3plus_on_a_resnet_by_formula():
    """ASPP of 256 filters on 2,048 channels, separable; the decoder on the 256 channels of stride 4."""
    aspp = 2 * 2048 * 256 + 3 * (9 * 2048 + 2 * 2048 + 2048 * 256) + 5 * 256 * 256 + 6 * 2 * 256
    separable = sum(9 * width + 2 * width + width * 256 + 2 * 256 for width in (304, 256))
    full = sum(9 * width * 256 + 2 * 256 for width in (304, 256))
    entry = 256 * 48 + 2 * 48
    levels = [Level(4, 256), Level(16, 2048)]
    head = ReferenceHead(name="aspp_separable")
    assert count_parameters(decoded(head, levels, 256)) == aspp + entry + separable
    assert count_parameters(decoded(head, levels, 256, DecoderSpec(separable=False))) == aspp + entry + full


def test_the_decoder_is_what_the_paper_writes():
    torch.manual_seed(0)
    levels = [Level(4, 5), Level(16, 7)]
    narrow = DecoderSpec(separable=False, channels=6, low_level_channels=3)
    head = decoded(ReferenceHead(name="conv1x1"), levels, 8, narrow)
    head = head.double().eval()
    early, context = torch.randn(2, 5, 33, 17).double(), torch.randn(2, 7, 9, 5).double()

    def block(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return F.relu(F.conv2d(x, weight, padding=weight.shape[-1] // 2) / (1 + 1e-5) ** 0.5)

    weights = [tensor for tensor in head.parameters() if tensor.dim() == 4]
    inside = F.interpolate(block(context, weights[0]), size=(33, 17), mode="bilinear", align_corners=True)
    expected = block(block(torch.cat([inside, block(early, weights[1])], 1), weights[2]), weights[3])
    torch.testing.assert_close(head(early, context), expected, rtol=0, atol=1e-10)
    assert head.out_channels == 6


def test_the_head_inside_is_built_for_its_own_stride():
    """Rates refer to stride 16: 6 cells there, though the decoder writes at stride 4."""
    inside = decoded(ReferenceHead(name="aspp"), [Level(4, 4), Level(16, 8)]).head
    assert isinstance(inside, ASPPHead)
    assert [layer.get_submodule("conv").dilation for layer in inside.atrous] == [(6, 6), (12, 12), (18, 18)]


@pytest.mark.parametrize(
    "architecture",
    [PUBLISHED_CELL, *(ReferenceHead(name=name) for name in ("linear", "ppm", "segformer", "fpn", "dpt"))],
    ids=lambda architecture: getattr(architecture, "name", "published cell"),
)
def test_any_head_fits_inside(architecture):
    torch.manual_seed(0)
    levels = [Level(4, 3), Level(8, 4), Level(16, 5)]
    head = decoded(architecture, levels, 4, DecoderSpec(channels=4, low_level_channels=2))
    inputs = [torch.randn(2, c, 129 // s + 1, 97 // s + 1) for s, c in levels]
    y = head(*inputs)
    assert y.shape == (2, 4, 33, 25)
    y.square().mean(1).std().backward()
    assert all(tensor.grad is not None and tensor.grad.abs().max() > 0 for tensor in head.parameters())


def test_multiply_adds_by_hand():
    levels = [Level(4, 3), Level(8, 5)]
    head = decoded(ReferenceHead(name="conv1x1"), levels, 8, DecoderSpec(channels=6, low_level_channels=2))
    fine, coarse = 8 * 12, 4 * 6
    expected = coarse * 5 * 8 + fine * (3 * 2 + 9 * 10 + 10 * 6 + 9 * 6 + 6 * 6)
    assert multiply_adds(head, [(3, 8, 12), (5, 4, 6)]) == expected


@pytest.mark.parametrize("strides", [(16,), (8, 16)])
def test_the_decoder_needs_its_level(strides):
    with pytest.raises(ValueError, match="the decoder reads the map of stride 4 and the head coarser ones"):
        decoded(PUBLISHED_CELL, [Level(stride, 8) for stride in strides])
