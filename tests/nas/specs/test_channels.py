"""Channels by hand; `tests/nas/models/heads/test_cell_cost.py` compares them with the networks."""

import pytest

from nas.specs import BackboneSpec
from nas.specs.channels import level_channels, scaled_channels


@pytest.mark.parametrize(
    ("channels", "width", "expected"), [(24, 1.1, 24), (40, 1.1, 48), (112, 1.1, 120), (16, 0.35, 8), (24, 1.4, 32)]
)
def test_channels_are_multiples_of_eight(channels, width, expected):
    assert scaled_channels(channels, width) == expected


@pytest.mark.parametrize(
    ("name", "output_stride", "levels", "channels"),
    [
        ("mobilenet_v2", 32, (4, 8, 16, 32), (24, 32, 96, 320)),
        ("mobilenet_v2", 16, (8, 16), (32, 320)),  # dilation in place of the last stride
        ("resnet101", 32, (4, 8, 16, 32), (256, 512, 1024, 2048)),
        ("resnet50", 8, None, (2048,)),
        ("efficientnet_lite0", 32, (4, 8, 16, 32), (24, 40, 112, 320)),
        ("efficientnet_lite1", 16, (8, 16), (40, 320)),
        ("efficientnet_lite2", 32, (4, 8, 16, 32), (24, 48, 120, 352)),
    ],
)
def test_the_last_map_of_each_stride(name, output_stride, levels, channels):
    backbone = BackboneSpec(output_stride=output_stride, levels=levels).model_copy(update={"name": name})
    assert level_channels(backbone) == channels
