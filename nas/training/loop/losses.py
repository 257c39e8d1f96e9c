"""Cross-entropy at the resolution of the labels: at cell centres, or at every pixel with the logits upsampled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.data.dataset import IGNORE
from nas.models.layers.resampling import upsample

RAREST = 1e-4
"""Class frequency below which the loss weight no longer grows."""


def class_weights(class_pixels: Sequence[int], exponent: float) -> Tensor:
    """Compute the loss weight of each class, (class frequency)^-exponent, as float32.

    A class rarer than `RAREST`, or one that was not counted at all, is weighted as if it had that frequency: it may
    still occur in what is trained on. With exponent 0 all classes have weight 1.

    Args:
        class_pixels: Pixels of each class in the training labels.
        exponent: 0 to 1.
    """
    pixels = np.asarray(class_pixels, np.float64)
    frequency = np.maximum(pixels / max(pixels.sum(), 1.0), RAREST)
    return torch.tensor(frequency**-exponent, dtype=torch.float32)


class SegmentationLoss(nn.Module):
    """Weighted mean of the cross-entropy of logits `(N, C, h, w)` over the labelled pixels of labels `(N, H, W)`.

    Where the labels are finer than the logits, the logits are resized bilinearly first. Pixels labelled 255 are
    ignored; a batch of such pixels alone has loss 0.
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
        """Sum the class weights of all labelled pixels, by which the mean divides."""
        return self.by_label[labels.long()].sum()

    def forward(self, logits: Tensor, labels: Tensor, counted: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            logits: `(N, C, h, w)`.
            labels: `(N, H, W)`.
            counted: `counted()` of an entire batch of which these are a share; the result is then the share's part of
                the batch's mean. `None` for an entire batch.
        """
        target = labels.long()
        logits = logits if logits.dtype is torch.float64 else logits.float()
        logits = upsample(logits, (target.shape[1], target.shape[2]))
        weights = self.weights.to(logits.dtype)
        total = F.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="sum")
        return total / (self.counted(labels) if counted is None else counted).clamp(min=1e-12)
