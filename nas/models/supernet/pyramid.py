"""The small ASPP at the end of each stride (Auto-DeepLab, section 4.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.supernet.normalise import AffineNormalise


class Pyramid(nn.Module):
    """1x1, 3x3 of one atrous rate (96 / stride) and image pooling, then logits: (N, C, H, W) -> (N, classes, H, W).

    Each branch has C filters. Image pooling has a bias in place of batch norm: on one value per image, the statistics
    of two images would turn every feature into plus or minus one, and of one image there are none.
    """

    def __init__(self, channels: int, rate: int, num_classes: int) -> None:
        super().__init__()
        self.point = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), AffineNormalise(channels))
        wide = nn.Conv2d(channels, channels, 3, padding=rate, dilation=rate, bias=False)
        self.atrous = nn.Sequential(wide, AffineNormalise(channels))
        self.image = nn.Conv2d(channels, channels, 1)
        self.classifier = nn.Conv2d(3 * channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Same height and width as `x`."""
        x = F.relu(x)
        image = self.image(x.mean((2, 3), keepdim=True)).expand(-1, -1, x.shape[2], x.shape[3])
        logits: Tensor = self.classifier(F.relu(torch.cat([self.point(x), self.atrous(x), image], 1)))
        return logits
