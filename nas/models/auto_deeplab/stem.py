"""The stem, which computes the two inputs of the first cell from the image."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.auto_deeplab.operators import cell_batch_norm


class Stem(nn.Module):
    """Three 3x3 convolutions with batch norm and strides 2, 1, 2; ReLU between them, not after the last.

    (N, 3, H, W) -> (N, channels, H / 2, W / 2), the first cell's H^{-2}, and (N, 2 * channels, H / 4, W / 4), its
    H^{-1}, both before a ReLU. The released network has 64 channels, whatever the width of its cells.
    """

    def __init__(self, channels: int = 64, *, momentum: float) -> None:
        super().__init__()
        self.half_channels, self.quarter_channels = channels, 2 * channels
        self.conv0 = nn.Conv2d(3, channels, 3, 2, 1, bias=False)
        self.bn0 = cell_batch_norm(channels, momentum)
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn1 = cell_batch_norm(channels, momentum)
        self.conv2 = nn.Conv2d(channels, 2 * channels, 3, 2, 1, bias=False)
        self.bn2 = cell_batch_norm(2 * channels, momentum)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps at stride 2 and at stride 4."""
        half: Tensor = self.bn1(self.conv1(F.relu(self.bn0(self.conv0(images)))))
        quarter: Tensor = self.bn2(self.conv2(F.relu(half)))
        return half, quarter
