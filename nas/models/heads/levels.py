"""Heads that read one map on a backbone that offers several."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas.models.layers.resampling import upsample


class ConcatenatedLevels(nn.Module):
    """A head of one map that reads all levels of a backbone, concatenated at the size of the finest.

    One map (N, C_i, H_i, W_i) for each level, finest first -> what `head` makes of (N, sum of C_i, H_1, W_1). Coarser
    maps are resized by the rule of `upsample`.
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        assert isinstance(head.out_channels, int)
        self.head = head
        self.out_channels = head.out_channels

    def forward(self, *levels: Tensor) -> Tensor:
        finest = levels[0]
        size = (finest.shape[-2], finest.shape[-1])
        y: Tensor = self.head(torch.cat([finest, *(upsample(level, size) for level in levels[1:])], 1))
        return y
