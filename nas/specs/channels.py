"""Channels of the feature maps of the backbones that this project builds itself, known before any is built."""

from __future__ import annotations

from nas.specs.backbone import BackboneSpec

MOBILENET_STEM = 32

MOBILENET_SETTINGS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, repeats and stride of the first repeat of each group of blocks of MobileNet-v2.

Source:
    Sandler et al., CVPR 2018, table 2.
"""

RESNET_CHANNELS = (256, 512, 1024, 2048)
"""Channels of the four stages of a ResNet of bottlenecks (He et al., CVPR 2016, table 1)."""

EFFICIENTNET_STEM = 32

EFFICIENTNET_STAGES = ((1, 16), (2, 24), (2, 40), (2, 80), (1, 112), (2, 192), (1, 320))
"""Stride and channels of the stages of EfficientNet-B0 (Tan and Le, ICML 2019, table 1)."""

EFFICIENTNET_LITE_WIDTHS = {"efficientnet_lite0": 1.0, "efficientnet_lite1": 1.0, "efficientnet_lite2": 1.1}
"""Factors on the channels of the stages; the stem is not scaled (tensorflow/tpu, models/official/efficientnet/lite)."""


BUILT_IN = ("mobilenet_v2", "resnet50", "resnet101", *EFFICIENTNET_LITE_WIDTHS)
"""The backbones whose maps are known here."""


def scaled_channels(channels: int, width: float) -> int:
    """Return channels * width as the nearest multiple of 8, at least 8 and never below 90 % of the product."""
    product = channels * width
    rounded = max(8, int(product + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * product else rounded


def level_channels(backbone: BackboneSpec) -> tuple[int, ...]:
    """Return the channels of each map that a head reads, finest first.

    Raises:
        ValueError: Only the network itself knows its channels, or it has no map of one of the strides.
    """
    last = dict(_maps(backbone))
    for stride in (*backbone.strides, backbone.output_stride):
        if stride not in last:
            raise ValueError(f"{backbone.name} has no feature map of stride {stride}")
    return tuple(last[stride] for stride in backbone.strides)


def reached_stride(backbone: BackboneSpec) -> int:
    """Return the stride of the coarsest map of one of `BUILT_IN`, which a cut backbone may reach before the output's.

    Raises:
        ValueError: Only the network itself knows its maps.
    """
    return _maps(backbone)[-1][0]


def _maps(backbone: BackboneSpec) -> list[tuple[int, int]]:
    """List (stride, channels) of the output of each stage; at the output stride dilation replaces later strides."""
    if backbone.name == "mobilenet_v2":
        stages = [(2, MOBILENET_STEM)]
        for _, channels, repeats, stride in MOBILENET_SETTINGS:
            stages += [(stride, channels), *((1, channels) for _ in range(1, repeats))]
        stages = [(stride, scaled_channels(channels, backbone.width)) for stride, channels in stages[: backbone.blocks]]
    elif backbone.name in ("resnet50", "resnet101"):
        stages = [(4 if index == 0 else 2, channels) for index, channels in enumerate(RESNET_CHANNELS)]
    elif backbone.name in EFFICIENTNET_LITE_WIDTHS:
        width = EFFICIENTNET_LITE_WIDTHS[backbone.name]
        scaled = ((stride, scaled_channels(channels, width)) for stride, channels in EFFICIENTNET_STAGES)
        stages = [(2, EFFICIENTNET_STEM), *scaled]
    else:
        raise ValueError(f"the channels of {backbone.name} are known only when the network is built")
    reached, maps = 1, []
    for stride, channels in stages:
        reached = min(reached * stride, backbone.output_stride)
        maps.append((reached, channels))
    return maps
