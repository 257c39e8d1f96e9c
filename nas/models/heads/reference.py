"""Hand-designed heads of one map as baselines: 1x1, ASPP (DeepLabv3, DeepLabv3+) and pyramid pooling (PSPNet)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas.models.heads.operators import AtrousSeparable
from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU
from nas.models.layers.resampling import bin_means, resize


class Conv1x1Head(nn.Module):
    """1x1 convolution, BN, ReLU, dropout: no context at all. (N, in, H, W) -> (N, channels, H, W)."""

    def __init__(
        self, in_channels: int, channels: int, *, dropout: float = 0.1, bn_momentum: float = BN_MOMENTUM
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.project = ConvBNReLU(in_channels, channels, bn_momentum=bn_momentum)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.dropout(self.project(x))
        return y


class ASPPHead(nn.Module):
    """Atrous spatial pyramid pooling with image pooling (Chen et al. 2017, arXiv 1706.05587, section 3.3).

    Parallel branches, each with BN and ReLU: a 1x1 convolution; one full 3x3 convolution per rate; the global mean
    through a 1x1 convolution, expanded to the map. Then concat, 1x1, BN, ReLU, dropout. (N, in, H, W) ->
    (N, channels, H, W). Training needs at least two images, since the pooled map has one pixel. The mean is global as
    in the paper; that of TensorFlow DeepLab slides over maps larger than the crop's.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        rates: Sequence[int] = (6, 12, 18),
        separable: bool = False,
        dropout: float = 0.1,
        bn_momentum: float = BN_MOMENTUM,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.pointwise = ConvBNReLU(in_channels, channels, bn_momentum=bn_momentum)
        self.atrous = nn.ModuleList(
            AtrousSeparable(in_channels, channels, (rate, rate), bn_momentum=bn_momentum)
            if separable
            else ConvBNReLU(in_channels, channels, 3, rate, bn_momentum=bn_momentum)
            for rate in rates
        )
        self.pooled = ConvBNReLU(in_channels, channels, bn_momentum=bn_momentum)
        self.project = ConvBNReLU((len(rates) + 2) * channels, channels, bn_momentum=bn_momentum)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pooled(bin_means(x, (1, 1))).expand(-1, -1, *x.shape[-2:])
        branches = [self.pointwise(x), *(conv(x) for conv in self.atrous), pooled]
        y: Tensor = self.dropout(self.project(torch.cat(branches, 1)))
        return y


class PPMHead(nn.Module):
    """Pyramid pooling module (Zhao et al., CVPR 2017, section 3.2).

    The means of 1x1, 2x2, 3x3 and 6x6 equal parts, each through a 1x1 convolution to in / (number of levels) channels,
    BN, ReLU and bilinear resize; concat with the input; 3x3 convolution, BN, ReLU, dropout. (N, in, H, W) ->
    (N, channels, H, W). Training needs at least two images, since the coarsest map has one pixel.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        bins: Sequence[int] = (1, 2, 3, 6),
        dropout: float = 0.1,
        bn_momentum: float = BN_MOMENTUM,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.bins = tuple(bins)
        level = max(1, in_channels // len(self.bins))
        self.levels = nn.ModuleList(ConvBNReLU(in_channels, level, bn_momentum=bn_momentum) for _ in self.bins)
        self.project = ConvBNReLU(in_channels + level * len(self.bins), channels, 3, bn_momentum=bn_momentum)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        size = (x.shape[-2], x.shape[-1])
        levels = [
            resize(conv(bin_means(x, (bins, bins))), size) for bins, conv in zip(self.bins, self.levels, strict=True)
        ]
        y: Tensor = self.dropout(self.project(torch.cat([x, *levels], 1)))
        return y
