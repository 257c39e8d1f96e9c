"""Semantic FPN: a feature pyramid, and a branch that adds its levels up."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.layers.resampling import upsample

GROUP = 4
"""Channels in a group of group norm: 32 groups of the published 128 channels."""


class SemanticFPNHead(nn.Module):
    """A feature pyramid of `2 * channels`, whose levels are upsampled step by step to the finest and added.

    One map (N, in_channels[i], H_i, W_i) for each level, finest first -> (N, channels, H_1, W_1).

    The pyramid: each level through a 1x1 convolution; from the coarsest on, each level is upsampled (nearest) and added
    to the next finer one; each sum passes a 3x3 convolution. The convolutions have biases and neither norm nor ReLU.
    The branch: each level of the pyramid passes stages of 3x3 convolution to `channels`, group norm, ReLU and bilinear
    resize to twice the size until it has that of the finest; the finest passes one stage that keeps its size. The sum
    of all levels passes dropout. The published widths are 256 and 128 channels.

    Source:
        Kirillov et al., Panoptic Feature Pyramid Networks (CVPR 2019, arXiv 1901.02446), section 3.1 and figure 3; the
        pyramid of Lin et al., CVPR 2017. The paper leaves biases open; these are where Detectron2 has them.
    """

    def __init__(
        self, in_channels: Sequence[int], strides: Sequence[int], channels: int, *, dropout: float = 0.1
    ) -> None:
        super().__init__()
        pyramid = 2 * channels
        self.out_channels = channels
        self.lateral = nn.ModuleList(_conv(width, pyramid, 1) for width in in_channels)
        self.smooth = nn.ModuleList(_conv(pyramid, pyramid, 3) for _ in in_channels)
        halvings = [(stride // strides[0]).bit_length() - 1 for stride in strides]
        self.branches = nn.ModuleList(_Branch(pyramid, channels, count) for count in halvings)
        self.dropout = nn.Dropout(dropout)

    def forward(self, *levels: Tensor) -> Tensor:
        size = (levels[0].shape[-2], levels[0].shape[-1])
        sums: list[Tensor] = []
        for lateral, level in zip(reversed(self.lateral), reversed(levels), strict=True):
            y = lateral(level)
            sums.insert(0, y + F.interpolate(sums[0], size=y.shape[-2:], mode="nearest") if sums else y)
        maps = [branch(smooth(y), size) for branch, smooth, y in zip(self.branches, self.smooth, sums, strict=True)]
        total = maps[0]
        for y in maps[1:]:
            total = total + y
        result: Tensor = self.dropout(total)
        return result


class _Branch(nn.Module):
    """Stages of 3x3 convolution, group norm, ReLU; between them and at the end a resize to twice the size."""

    def __init__(self, in_channels: int, channels: int, halvings: int) -> None:
        super().__init__()
        self.halvings = halvings
        widths = [in_channels] + [channels] * max(0, halvings - 1)
        self.stages = nn.ModuleList(_Stage(width, channels) for width in widths)

    def forward(self, x: Tensor, finest: tuple[int, int]) -> Tensor:
        """Bring a map to the size of the finest, which this map's is after `halvings` halvings, rounded up."""
        for done, stage in enumerate(self.stages, 1):
            left = 2 ** max(0, self.halvings - done)
            # Rounded up as a strided convolution writes it; ONNX would divide -side towards zero.
            x = upsample(stage(x), ((finest[0] - 1) // left + 1, (finest[1] - 1) // left + 1))
        return x


class _Stage(nn.Module):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = _conv(in_channels, channels, 3, bias=False)
        self.norm = nn.GroupNorm(groups(channels), channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


def groups(channels: int) -> int:
    """Return the number of groups: of `GROUP` channels, of the next larger divisor where 4 divides not, or one."""
    size = next((size for size in range(GROUP, channels) if channels % size == 0), channels)
    return channels // size


def _conv(in_channels: int, out_channels: int, kernel: int, *, bias: bool = True) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=bias)
    nn.init.xavier_uniform_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
