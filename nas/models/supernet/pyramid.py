"""The small ASPP at each stride of the supernet's last layer (Auto-DeepLab, section 4.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.supernet.normalise import AffineNormalise


class Pyramid(nn.Module):
    """1x1, 3x3 of one atrous rate (96 / stride) and image pooling, then logits: (N, C, H, W) -> (N, classes, H, W).

    Each branch has C filters. Image pooling has a bias in place of batch norm, since it has one value per image:
    normalised by the statistics of two images every feature would become plus or minus one, and a single image has no
    statistics.
    """

    def __init__(self, channels: int, rate: int, num_classes: int) -> None:
        super().__init__()
        self.point = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), AffineNormalise(channels))
        wide = nn.Conv2d(channels, channels, 3, padding=rate, dilation=rate, bias=False)
        self.atrous = nn.Sequential(wide, AffineNormalise(channels))
        self.image = nn.Conv2d(channels, channels, 1)
        self.classifier = nn.Conv2d(3 * channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        image = self.image(x.mean((2, 3), keepdim=True)).expand(-1, -1, x.shape[2], x.shape[3])
        logits: Tensor = self.classifier(F.relu(torch.cat([self.point(x), self.atrous(x), image], 1)))
        return logits
