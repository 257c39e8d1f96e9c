"""ResNet-50 and ResNet-101 as dense feature extractors, parameters named as torchvision's.

The bottleneck is that of He et al. (CVPR 2016) with the stride on the 3x3 convolution ("v1.5"), which torchvision's
weights require.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.backbones.base import Backbone, Level, StrideBudget, last_at

EXPANSION = 4
STAGES = 4
DEPTHS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
"""Number of bottlenecks in layer1 to layer4."""


class Bottleneck(nn.Module):
    """1x1 convolution to `width`, 3x3 with stride and dilation, 1x1 to 4 * width, plus the shortcut, ReLU.

    (N, in, H, W) -> (N, 4 * width, ceil(H / stride), ceil(W / stride)). `project` puts a 1x1 convolution on the
    shortcut.
    """

    def __init__(self, in_channels: int, width: int, stride: int, dilation: int, *, project: bool) -> None:
        super().__init__()
        out_channels = width * EXPANSION
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = (
            nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))
            if project
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(y + shortcut, inplace=True)


class ResNet(Backbone):
    """ResNet without its classifier; see `Backbone` for shapes.

    Args:
        name: A key of `DEPTHS`.
        output_stride: 8, 16 or 32; in the last stages dilation replaces the strides beyond it.
        strides: Of the maps to return, ascending; stages after the last map are not built. None for the last map.

    Raises:
        ValueError: No stage has one of `strides`.
    """

    def __init__(self, name: str, output_stride: int = 32, strides: Sequence[int] | None = None) -> None:
        super().__init__()
        budget = StrideBudget(output_stride)
        budget.spend(2)
        budget.spend(2)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels, outputs, layers = 64, [], []
        for index, depth in enumerate(DEPTHS[name]):
            width = 64 * 2**index
            layers.append(_layer(channels, width, depth, 1 if index == 0 else 2, budget))
            channels = width * EXPANSION
            outputs.append(Level(budget.reached, channels))
        assert budget.reached == output_stride
        self.read = last_at([output.stride for output in outputs], strides or (output_stride,), name)
        self.levels = tuple(outputs[index] for index in self.read)
        self.depth = self.read[-1] + 1
        for index in range(self.depth):
            self.add_module(f"layer{index + 1}", layers[index])
        _initialise(self)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        x = F.relu(self.bn1(self.conv1(images)), inplace=True)
        x = F.max_pool2d(x, 3, 2, 1)
        maps = []
        for index in range(self.depth):
            x = self.get_submodule(f"layer{index + 1}")(x)
            if index in self.read:
                maps.append(x)
        return tuple(maps)

    def leaves_out(self, key: str) -> bool:
        match = re.match(r"layer(\d)\.", key)
        return key in {"fc.weight", "fc.bias"} or (match is not None and self.depth < int(match[1]) <= STAGES)


def _layer(channels: int, width: int, depth: int, stride: int, budget: StrideBudget) -> nn.Sequential:
    blocks = []
    for index in range(depth):
        block_stride, dilation = budget.spend(stride if index == 0 else 1)
        blocks.append(Bottleneck(channels, width, block_stride, dilation, project=index == 0))
        channels = width * EXPANSION
    return nn.Sequential(*blocks)


def _initialise(module: nn.Module) -> None:
    """He initialisation by fan-out."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
