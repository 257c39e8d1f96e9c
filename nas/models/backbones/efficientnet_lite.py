"""EfficientNet-Lite as a dense feature extractor, parameters named as in the published PyTorch checkpoints.

EfficientNet (Tan and Le, ICML 2019) without squeeze-and-excitation and with ReLU6, as Google released it for phones
(tensorflow/tpu, models/official/efficientnet/lite). The weights come from TensorFlow, so strided convolutions pad as
TensorFlow does and batch norm divides by sqrt(variance + 1e-3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.backbones.base import Backbone, Level, StrideBudget, last_at
from nas.models.backbones.mobilenet_v2 import initialise
from nas.specs.channels import EFFICIENTNET_LITE_WIDTHS, EFFICIENTNET_STAGES, EFFICIENTNET_STEM, scaled_channels

STAGES = ((3, 1, 1), (3, 6, 2), (5, 6, 2), (3, 6, 3), (5, 6, 3), (5, 6, 4), (3, 6, 1))
"""Kernel, expansion and blocks of each stage of EfficientNet-B0 (table 1), beside `EFFICIENTNET_STAGES`."""

DEPTHS = {"efficientnet_lite0": 1.0, "efficientnet_lite1": 1.1, "efficientnet_lite2": 1.2}
"""Factors on the number of blocks, which do not scale the first and the last stage."""

EPS, MOMENTUM = 1e-3, 0.01
"""Of batch norm, as the weights were trained."""


class SameConv2d(nn.Conv2d):
    """Convolution without bias that pads like TensorFlow's "SAME": (N, in, H, W) -> (N, out, ceil(H / stride), ...).

    At stride 2 an even side is padded by one pixel more at its end than at its beginning; at stride 1 padding is even.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> None:
        assert stride == 1 or (stride == 2 and dilation == 1 and kernel > 1)
        padding = dilation * (kernel // 2) if stride == 1 else 0
        super().__init__(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 2:
            kernel = self.kernel_size[0]
            # Arithmetic without a condition on the size, so that a traced network takes images of every size.
            top, left = ((kernel - 2 + side % 2) // 2 for side in x.shape[2:])
            x = F.pad(x, (left, (kernel - 1) // 2, top, (kernel - 1) // 2))
        return super().forward(x)


class MBConv(nn.Module):
    """Inverted residual: 1x1 expansion, depthwise k x k, 1x1 projection without activation, and a shortcut on request.

    (N, in, H, W) -> (N, out, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        expansion: int,
        *,
        stride: int,
        dilation: int,
        residual: bool,
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = SameConv2d(in_channels, hidden, 1)
            self._bn0 = _batch_norm(hidden)
        self._depthwise_conv = SameConv2d(hidden, hidden, kernel, stride=stride, dilation=dilation, groups=hidden)
        self._bn1 = _batch_norm(hidden)
        self._project_conv = SameConv2d(hidden, out_channels, 1)
        self._bn2 = _batch_norm(out_channels)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)), inplace=True)
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class EfficientNetLite(Backbone):
    """EfficientNet-Lite 0, 1 or 2 without its classifier; see `Backbone` for shapes.

    Args:
        name: A key of `DEPTHS`.
        output_stride: Stride of the last map in pixels; later strides are replaced by dilation.
        strides: Of the maps to return, ascending; blocks after the last map are not built. None for the last map.

    Raises:
        ValueError: No block has one of `strides`.
    """

    def __init__(self, name: str, output_stride: int = 32, strides: Sequence[int] | None = None) -> None:
        super().__init__()
        budget = StrideBudget(output_stride)
        self._conv_stem = SameConv2d(3, EFFICIENTNET_STEM, 3, stride=budget.spend(2)[0])
        self._bn0 = _batch_norm(EFFICIENTNET_STEM)
        channels, outputs, blocks = EFFICIENTNET_STEM, [], []
        for kernel, undilated_stride, expansion, out in block_settings(name):
            stride, dilation = budget.spend(undilated_stride)
            # A block whose stride is replaced by dilation gets no shortcut: its weights were trained without one.
            residual = undilated_stride == 1 and channels == out
            blocks.append(MBConv(channels, out, kernel, expansion, stride=stride, dilation=dilation, residual=residual))
            channels = out
            outputs.append(Level(budget.reached, channels))
        self.read = last_at([output.stride for output in outputs], strides or (output_stride,), name)
        self.levels = tuple(outputs[index] for index in self.read)
        self.published_blocks = len(blocks)
        self._blocks = nn.Sequential(*blocks[: self.read[-1] + 1])
        initialise(self)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps, x = [], F.relu6(self._bn0(self._conv_stem(images)), inplace=True)
        for index, block in enumerate(self._blocks):
            x = block(x)
            if index in self.read:
                maps.append(x)
        return tuple(maps)

    def leaves_out(self, key: str) -> bool:
        # Blocks that are not built, the 1x1 convolution to 1280 channels and the classifier.
        match = re.match(r"_blocks\.(\d+)\.", key)
        if match is None:
            return key.startswith(("_conv_head.", "_bn1.", "_fc."))
        return len(self._blocks) <= int(match[1]) < self.published_blocks


def block_settings(name: str) -> list[tuple[int, int, int, int]]:
    """Compute (kernel, stride, expansion, channels) of each block of an EfficientNet-Lite, in order."""
    width, depth, last = EFFICIENTNET_LITE_WIDTHS[name], DEPTHS[name], len(STAGES) - 1
    return [
        (kernel, first if repeat == 0 else 1, expansion, scaled_channels(channels, width))
        for index, ((kernel, expansion, repeats), (first, channels)) in enumerate(
            zip(STAGES, EFFICIENTNET_STAGES, strict=True)
        )
        for repeat in range(repeats if index in (0, last) else math.ceil(repeats * depth))
    ]


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, EPS, MOMENTUM)
