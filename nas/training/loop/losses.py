"""Cross-entropy where the labels are: at cell centres, or at every pixel with the logits upsampled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.data.dataset import IGNORE
from nas.training.loop.resize import resize_logits


def class_weights(class_pixels: Sequence[int], exponent: float) -> Tensor:
    """(class frequency)^-exponent, float32; classes that never occur weigh 0, all others 1 when the exponent is 0."""
    pixels = np.asarray(class_pixels, np.float64)
    occurring = pixels > 0
    frequency = np.where(occurring, pixels, 1.0) / max(pixels.sum(), 1.0)
    return torch.tensor(np.where(occurring, frequency**-exponent, 0.0), dtype=torch.float32)


class SegmentationLoss(nn.Module):
    """Logits (N, C, h, w) and labels (N, H, W) -> weighted mean of the cross-entropy over the pixels that count.

    Where the labels are finer than the logits, the logits are resized bilinearly first. Pixels labelled 255 do not
    count; a batch without any that does has loss 0.
    """

    weights: Tensor
    by_label: Tensor

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights, persistent=False)
        by_label = torch.zeros(IGNORE + 1)
        by_label[: len(weights)] = weights
        self.register_buffer("by_label", by_label, persistent=False)

    def counted(self, labels: Tensor) -> Tensor:
        """The weight of all pixels that count, a scalar: what the mean is over."""
        return self.by_label[labels.long()].sum()

    def forward(self, logits: Tensor, labels: Tensor, counted: Tensor | None = None) -> Tensor:
        """A scalar. With `counted`, that of a whole batch of which this is a share: the share's part of its mean."""
        target = labels.long()
        logits = logits if logits.dtype is torch.float64 else logits.float()
        logits = resize_logits(logits, (target.shape[1], target.shape[2]))
        weights = self.weights.to(logits.dtype)
        total = F.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="sum")
        return total / (self.counted(labels) if counted is None else counted).clamp(min=1e-12)
