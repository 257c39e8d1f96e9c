"""A searched head on a frozen DINOv2 of transformers, in plain torch.

network = DINOv2WithHead("facebook/dinov2-small", "best.json", num_classes=4)   # or a folder with the weights
optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], 1e-3)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Dinov2Backbone

import nas
from nas.sources import Source


class DINOv2WithHead(nn.Module):
    """Normalised images (N, 3, H, W), sides multiples of the patch -> logits (N, num_classes, H, W).

    Only head and classifier are trained; the transformer stays in evaluation mode.

    Args:
        weights: A folder with `config.json` and weights, or a name on the hub.
        source: The architecture, as `nas.build_head` takes it.
        num_classes: Channels of the logits.
    """

    def __init__(self, weights: str | Path, source: Source, num_classes: int) -> None:
        super().__init__()
        self.backbone: Any = Dinov2Backbone.from_pretrained(str(weights))
        nn.Module.requires_grad_(self.backbone, False)
        nn.Module.eval(self.backbone)
        patch = self.backbone.config.patch_size
        self.head = nas.build_head(source, self.backbone.channels[-1], strides=patch)
        assert isinstance(self.head.out_channels, int)
        self.classifier = nn.Conv2d(self.head.out_channels, num_classes, 1)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            features = self.backbone(images).feature_maps[-1]
        logits: Tensor = self.classifier(self.head(features))
        return F.interpolate(logits, images.shape[2:], mode="bilinear")
