"""Depthwise 3x3 convolution with a rate per axis."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.layers import init_truncated_normal

DEPTHWISE_STD = 0.33
"""Standard deviation of the initial depthwise weights (TensorFlow DeepLab)."""


class DepthwiseAtrous(nn.Module):
    """Each channel with its own 3x3 filter whose taps lie (r_h, r_w) cells apart; zeros outside; no bias.

    (N, C, H, W) -> (N, C, H, W). Rates larger than the map are well-defined: only taps inside contribute.
    """

    def __init__(self, channels: int, rate: tuple[int, int]) -> None:
        super().__init__()
        if min(rate) < 1:
            raise ValueError(f"atrous rates must be at least 1, not {rate}")
        self.rate = rate
        self.weight = nn.Parameter(torch.empty(channels, 1, 3, 3))
        init_truncated_normal(self.weight, DEPTHWISE_STD)

    def forward(self, x: Tensor) -> Tensor:
        """Cross-correlation, as every deep-learning framework's convolution."""
        return F.conv2d(x, self.weight, padding=self.rate, dilation=self.rate, groups=x.shape[1])

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"{self.weight.shape[0]}, rate={self.rate}"
