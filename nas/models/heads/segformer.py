"""SegFormer's all-MLP decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU
from nas.models.layers.resampling import upsample


class SegFormerHead(nn.Module):
    """A linear layer for each level to `channels`, resize to the finest, concat, a linear layer, BN, ReLU, dropout.

    One map (N, in_channels[i], H_i, W_i) for each level, finest first -> (N, channels, H_1, W_1). The linear layers are
    1x1 convolutions: those of the levels have a bias, that of the concatenation has none, since batch norm follows.
    `channels` is 256 in SegFormer-B0 and -B1, 768 in -B2 to -B5.

    Source:
        Xie et al., SegFormer (NeurIPS 2021, arXiv 2105.15203), section 3.2, equation 4; batch norm, ReLU and dropout as
        in the released code.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int,
        *,
        dropout: float = 0.1,
        bn_momentum: float = BN_MOMENTUM,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.levels = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in in_channels)
        for level in self.levels:
            nn.init.xavier_uniform_(level.get_parameter("weight"))
            nn.init.zeros_(level.get_parameter("bias"))
        self.fuse = ConvBNReLU(len(self.levels) * channels, channels, bn_momentum=bn_momentum)
        self.dropout = nn.Dropout(dropout)

    def forward(self, *levels: Tensor) -> Tensor:
        size = (levels[0].shape[-2], levels[0].shape[-1])
        maps = [upsample(linear(level), size) for linear, level in zip(self.levels, levels, strict=True)]
        y: Tensor = self.dropout(self.fuse(torch.cat(maps, 1)))
        return y
