"""DeepLabv3+'s decoder, alone (`Decoder`) and around any head (`DecodedHead`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas.models.heads.operators import AtrousSeparable
from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU
from nas.models.layers.resampling import resize, upsample


class Decoder(nn.Module):
    """Joins context features with an early map of the network, which is finer.

    (N, in_channels, h, w), (N, early_channels, h', w') -> (N, channels, *size). The early map passes a 1x1 convolution
    to `low_level_channels`, batch norm and ReLU; both are resized to `size`, concatenated, and pass two 3x3
    convolutions with batch norm and ReLU: full ones, as in Auto-DeepLab, or `separable` ones (depthwise, batch norm,
    ReLU, pointwise), as in DeepLabv3+ on Xception.

    Source:
        Chen et al., ECCV 2018 (arXiv 1802.02611), section 3.1; separable as in the released code.
    """

    def __init__(
        self,
        in_channels: int,
        early_channels: int,
        *,
        channels: int = 256,
        low_level_channels: int = 48,
        separable: bool = False,
        bn_momentum: float = BN_MOMENTUM,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.project = ConvBNReLU(early_channels, low_level_channels, bn_momentum=bn_momentum)
        self.refine = nn.Sequential(
            *(
                AtrousSeparable(width, channels, (1, 1), bn_momentum=bn_momentum)
                if separable
                else ConvBNReLU(width, channels, 3, bn_momentum=bn_momentum)
                for width in (in_channels + low_level_channels, channels)
            )
        )

    def forward(self, context: Tensor, early: Tensor, size: tuple[int, int]) -> Tensor:
        """Compute features of `size` (height, width) in cells."""
        y: Tensor = self.refine(torch.cat([resize(context, size), resize(self.project(early), size)], 1))
        return y


class DecodedHead(nn.Module):
    """A head on the coarser levels of a backbone, followed by a decoder that reads the finest level.

    One map (N, C_i, H_i, W_i) for each level, finest first -> (N, out_channels, H_1, W_1).
    """

    def __init__(self, head: nn.Module, decoder: Decoder) -> None:
        super().__init__()
        self.head = head
        self.decoder = decoder
        self.out_channels = decoder.out_channels

    def forward(self, finest: Tensor, *coarser: Tensor) -> Tensor:
        size = (finest.shape[-2], finest.shape[-1])
        y: Tensor = self.decoder(upsample(self.head(*coarser), size), finest, size)
        return y
