"""MobileNet-v2 (Sandler et al., CVPR 2018) as a dense feature extractor, parameters named as torchvision's."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from torch import Tensor, nn

from nas.models.backbones.base import Backbone, Level, StrideBudget, last_at
from nas.specs.channels import MOBILENET_SETTINGS, MOBILENET_STEM, scaled_channels

STAGES = 18
"""Feature stages: the stem and 17 inverted residuals; torchvision's 19th (1x1 to 1280) serves its classifier only."""


def _residual_stages() -> list[tuple[int, int, int]]:
    """Return (expansion, channels, stride) of each of the 17 inverted residuals."""
    return [
        (expansion, channels, first if index == 0 else 1)
        for expansion, channels, repeats, first in MOBILENET_SETTINGS
        for index in range(repeats)
    ]


class ConvBNReLU6(nn.Sequential):
    """Convolution without bias, batch norm, ReLU clipped at 6; state dict keys as torchvision's (`0.weight`, `1.*`)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Inverted residual: 1x1 expansion, depthwise 3x3, 1x1 projection without activation, and a shortcut on request.

    (N, in, H, W) -> (N, out, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(
        self, in_channels: int, out_channels: int, expansion: int, stride: int, dilation: int, *, residual: bool
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        expand = [ConvBNReLU6(in_channels, hidden, 1)] if expansion != 1 else []
        self.conv = nn.Sequential(
            *expand,
            ConvBNReLU6(hidden, hidden, 3, stride=stride, dilation=dilation, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2(Backbone):
    """MobileNet-v2 up to a feature stage, without its classifier; see `Backbone` for shapes.

    Args:
        width: Multiplier of the channels of every stage.
        output_stride: Stride of the features in pixels; later strides are replaced by dilation.
        blocks: How many of the 18 feature stages to build; None for all.
        strides: Of the maps to return, ascending; stages after the last map are not built. None for the last map.

    Raises:
        ValueError: The first `blocks` stages do not reach the output stride, or no stage has one of `strides`.
    """

    def __init__(
        self,
        width: float = 1.0,
        output_stride: int = 32,
        blocks: int | None = None,
        strides: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        budget = StrideBudget(output_stride)
        channels = scaled_channels(MOBILENET_STEM, width)
        stages: list[nn.Module] = [ConvBNReLU6(3, channels, 3, stride=budget.spend(2)[0])]
        outputs = [Level(2, channels)]
        for expansion, base, undilated_stride in _residual_stages()[: (blocks or STAGES) - 1]:
            out = scaled_channels(base, width)
            stride, dilation = budget.spend(undilated_stride)
            # A stage whose stride is replaced by dilation gets no shortcut: its weights were trained without one.
            residual = undilated_stride == 1 and channels == out
            stages.append(InvertedResidual(channels, out, expansion, stride, dilation, residual=residual))
            channels = out
            outputs.append(Level(budget.reached, channels))
        if budget.reached != output_stride:
            raise ValueError(
                f"mobilenet_v2 cut after {len(stages)} stages reaches stride {budget.reached}, not output_stride "
                f"{output_stride}; keep more blocks or ask for a smaller output_stride"
            )
        self.read = last_at([output.stride for output in outputs], strides or (output_stride,), "mobilenet_v2")
        self.levels = tuple(outputs[index] for index in self.read)
        self.blocks = self.read[-1] + 1
        self.features = nn.Sequential(*stages[: self.blocks])
        _initialise(self)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps, x = [], images
        for index, stage in enumerate(self.features):
            x = stage(x)
            if index in self.read:
                maps.append(x)
        return tuple(maps)

    def leaves_out(self, key: str) -> bool:
        # Stages that are not built, torchvision's stage of 1280 channels and its classifier.
        match = re.match(r"features\.(\d+)\.", key)
        if match is None:
            return key.startswith("classifier.")
        return self.blocks <= int(match[1]) <= STAGES


def _initialise(module: nn.Module) -> None:
    """He initialisation by fan-out, as in the public implementations."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = layer.out_channels * math.prod(layer.kernel_size) // layer.groups
            nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_out))
