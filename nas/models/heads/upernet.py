"""UPerNet: pyramid pooling on the coarsest level, and a feature pyramid over all of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU
from nas.models.layers.resampling import bin_means, resize, upsample


class UPerNetHead(nn.Module):
    """Pyramid pooling on the coarsest level, a top-down pyramid, and one convolution over all its levels.

    One map (N, in_channels[i], H_i, W_i) for each level, finest first -> (N, channels, H_1, W_1). Each convolution has
    `channels` filters, BN and ReLU and no bias.

    The coarsest level: the means of 1x1, 2x2, 3x3 and 6x6 equal parts, each through a 1x1 convolution and resized to
    the level; concat with the level itself; 3x3 convolution. The other levels: a 1x1 convolution; from the coarsest on,
    each sum is resized bilinearly and added to the next finer level; each sum but the coarsest passes a 3x3
    convolution. All are resized to the finest, concatenated, and pass a 3x3 convolution and dropout. The published
    width is 512. Training needs at least two images, since the coarsest mean has one cell.

    Source:
        Xiao et al., Unified Perceptual Parsing (ECCV 2018, arXiv 1807.10221), section 3.1; widths, BN and ReLU as in
        the released code.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int,
        *,
        bins: Sequence[int] = (1, 2, 3, 6),
        dropout: float = 0.1,
        bn_momentum: float = BN_MOMENTUM,
    ) -> None:
        super().__init__()

        def conv(width: int, kernel: int = 1) -> ConvBNReLU:
            return ConvBNReLU(width, channels, kernel, bn_momentum=bn_momentum)

        *finer, coarsest = in_channels
        self.out_channels = channels
        self.bins = tuple(bins)
        self.pooled = nn.ModuleList(conv(coarsest) for _ in self.bins)
        self.context = conv(coarsest + len(self.bins) * channels, 3)
        self.lateral = nn.ModuleList(conv(width) for width in finer)
        self.smooth = nn.ModuleList(conv(channels, 3) for _ in finer)
        self.fuse = conv(len(in_channels) * channels, 3)
        self.dropout = nn.Dropout(dropout)

    def forward(self, *levels: Tensor) -> Tensor:
        sums = [self._context(levels[-1])]
        for lateral, level in zip(reversed(self.lateral), reversed(levels[:-1]), strict=True):
            y = lateral(level)
            sums.insert(0, y + upsample(sums[0], (y.shape[-2], y.shape[-1])))
        *finer, coarsest = sums
        maps = [*(smooth(y) for smooth, y in zip(self.smooth, finer, strict=True)), coarsest]
        size = (levels[0].shape[-2], levels[0].shape[-1])
        fused: Tensor = self.dropout(self.fuse(torch.cat([upsample(y, size) for y in maps], 1)))
        return fused

    def _context(self, x: Tensor) -> Tensor:
        size = (x.shape[-2], x.shape[-1])
        means = [
            resize(conv(bin_means(x, (bins, bins))), size) for bins, conv in zip(self.bins, self.pooled, strict=True)
        ]
        y: Tensor = self.context(torch.cat([x, *means], 1))
        return y
