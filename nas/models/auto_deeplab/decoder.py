"""DeepLabv3+'s decoder (Chen et al., ECCV 2018, section 3.1) with full convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU
from nas.models.layers.resampling import resize


class Decoder(nn.Module):
    """Joins the context features at the final stride with an early cell's output, which is finer.

    (N, in_channels, h, w), (N, early_channels, h', w') -> (N, channels, *size). The early output passes a 1x1
    convolution to `low_level_channels`, batch norm and ReLU; both are resized to `size`, concatenated, and pass two
    full 3x3 convolutions with batch norm and ReLU.
    """

    def __init__(
        self,
        in_channels: int,
        early_channels: int,
        *,
        channels: int = 256,
        low_level_channels: int = 48,
        bn_momentum: float = BN_MOMENTUM,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.project = ConvBNReLU(early_channels, low_level_channels, bn_momentum=bn_momentum)
        self.refine = nn.Sequential(
            ConvBNReLU(in_channels + low_level_channels, channels, 3, bn_momentum=bn_momentum),
            ConvBNReLU(channels, channels, 3, bn_momentum=bn_momentum),
        )

    def forward(self, context: Tensor, early: Tensor, size: tuple[int, int]) -> Tensor:
        """Compute features of `size` (height, width) in cells."""
        y: Tensor = self.refine(torch.cat([resize(context, size), resize(self.project(early), size)], 1))
        return y
