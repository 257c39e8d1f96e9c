"""Operators on the edges of a decoded cell, as in the released code (TensorFlow models, deeplab/core/nas_cell.py).

Every module maps (N, F, H, W) to (N, F, H / stride, W / stride), sizes rounded up; stride 2 where the cell halves the
size and the edge reads one of the cell's two inputs.

Both sides of a map are padded equally. For odd sizes (crops 513, 769) that is TensorFlow's 'SAME'; for even sizes
TensorFlow adds the odd cell of padding at the end, so that its windows with stride 2 are shifted by one cell.

Initial convolution weights are uniform in ±1/sqrt(fan in), the default of torch and of the released code; the fan in
of a depthwise filter is its k*k taps here, where the released code also counts the channels that the filter does not
read.
"""

from __future__ import annotations

from typing import assert_never

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.layers.conv import Pointwise
from nas.models.layers.resampling import resize
from search_spaces.auto_deeplab.architecture import Operator

BN_EPS = 1e-3
"""Epsilon of batch norm in stem and cells (`nas_arg_scope` of nas_network.py); the head's is 1e-5."""

ATROUS_RATE = 2


def cell_batch_norm(channels: int, momentum: float) -> nn.BatchNorm2d:
    """Build the batch norm of stem and cells: epsilon `BN_EPS`, `momentum` the weight of the newest batch."""
    return nn.BatchNorm2d(channels, eps=BN_EPS, momentum=momentum)


def halved(size: int) -> int:
    """Return how many cells stride 2 leaves of `size` cells."""
    return (size - 1) // 2 + 1


class ReLUConvBN(nn.Sequential):
    """ReLU, 1x1 convolution, batch norm: (N, in, H, W) -> (N, out, H / stride, W / stride)."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, momentum: float) -> None:
        super().__init__(
            nn.ReLU(),
            Pointwise(in_channels, out_channels, stride),
            cell_batch_norm(out_channels, momentum),
        )


class SeparableTwice(nn.Sequential):
    """Twice: ReLU, depthwise, pointwise (no batch norm between the two), batch norm; the first repeat is strided."""

    def __init__(self, channels: int, kernel: int, *, stride: int = 1, momentum: float) -> None:
        layers: list[nn.Module] = []
        for step in (stride, 1):
            layers += [
                nn.ReLU(),
                nn.Conv2d(channels, channels, kernel, step, kernel // 2, groups=channels, bias=False),
                nn.Conv2d(channels, channels, 1, bias=False),
                cell_batch_norm(channels, momentum),
            ]
        super().__init__(*layers)


class Atrous(nn.Module):
    """ReLU, full convolution with rate 2, batch norm; for stride 2, bilinear resize to half the size, then rate 1."""

    def __init__(self, channels: int, kernel: int, *, stride: int = 1, momentum: float) -> None:
        super().__init__()
        self.stride = stride
        rate = ATROUS_RATE if stride == 1 else 1
        padding = rate * (kernel // 2)
        self.conv = nn.Conv2d(channels, channels, kernel, padding=padding, dilation=rate, bias=False)
        self.bn = cell_batch_norm(channels, momentum)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        if self.stride == 2:
            x = resize(x, (halved(x.shape[2]), halved(x.shape[3])))
        y: Tensor = self.bn(self.conv(x))
        return y


def build_operator(operator: Operator, channels: int, *, stride: int, momentum: float) -> nn.Module:
    """Build the module of an edge.

    Pooling has neither ReLU nor batch norm, and average pooling leaves out cells outside the map. Skip is the
    identity at stride 1; at stride 2 it is ReLU, 1x1 convolution, batch norm.
    """
    assert stride in (1, 2)
    match operator:
        case "sep_3x3" | "sep_5x5":
            return SeparableTwice(channels, _kernel(operator), stride=stride, momentum=momentum)
        case "atrous_3x3" | "atrous_5x5":
            return Atrous(channels, _kernel(operator), stride=stride, momentum=momentum)
        case "avg_pool_3x3":
            return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
        case "max_pool_3x3":
            return nn.MaxPool2d(3, stride, 1)
        case "skip":
            return nn.Identity() if stride == 1 else ReLUConvBN(channels, channels, stride=2, momentum=momentum)
        case "none":
            raise AssertionError("none is in the search space only; a decoded block never has it")
        case _:
            assert_never(operator)


def _kernel(operator: str) -> int:
    return int(operator[-1])
