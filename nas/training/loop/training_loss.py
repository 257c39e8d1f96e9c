"""The loss that a fidelity trains with: cross-entropy or focal loss, with or without soft Dice."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.data.dataset import IGNORE
from nas.models.layers.resampling import upsample
from nas.specs import LossSpec
from nas.training.loop.distributed import Peers
from nas.training.loop.losses import SegmentationLoss

SMALLEST_ERROR = 1e-6
"""Least value of 1 - p in the focal loss: the gradient of (1 - p)^gamma with gamma below 1 is infinite at 0."""


class TrainingLoss(nn.Module):
    """The loss of logits `(N, C, h, w)` and labels `(N, H, W)`; pixels labelled 255 do not count.

    Where several processes train one model, each gets its part of the loss of the entire batch: the parts add up to the
    loss, and their gradients to its gradient.

    Args:
        spec: Which loss.
        weights: Of the classes, `(C,)`, in cross-entropy and focal loss.
        peers: The processes that train the model together.
    """

    def __init__(self, spec: LossSpec, weights: Tensor, peers: Peers | None = None) -> None:
        super().__init__()
        self._spec = spec
        self._peers = peers
        self._cross_entropy = SegmentationLoss(weights)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        # Shares differ in their number of labelled pixels: a mean of the shares' means would weigh pixels unequally.
        counted = None if self._peers is None else self._peers.total(self._cross_entropy.counted(labels))
        if self._spec.name == "cross_entropy":
            loss: Tensor = self._cross_entropy(logits, labels, counted)
        else:
            total = self._cross_entropy.counted(labels) if counted is None else counted
            loss = self._focal_sum(logits, labels) / total.clamp(min=1e-12)
        return loss if self._spec.dice == 0 else loss + self._spec.dice * self._dice_part(logits, labels)

    def _focal_sum(self, logits: Tensor, labels: Tensor) -> Tensor:
        target = labels.long()
        log_probability = _log_probability(logits, (target.shape[1], target.shape[2]))
        cross_entropy = F.nll_loss(log_probability, target, ignore_index=IGNORE, reduction="none")
        error = (-torch.expm1(-cross_entropy)).clamp(min=SMALLEST_ERROR)
        focal: Tensor = self._cross_entropy.by_label[target] * error**self._spec.gamma * cross_entropy
        return focal.sum()

    def _dice_part(self, logits: Tensor, labels: Tensor) -> Tensor:
        sums = dice_sums(logits, labels)
        if self._peers is None:
            return dice_loss(sums)
        # The value of the sums of all processes, with the gradient of this one's.
        loss = dice_loss(self._peers.total(sums) + (sums - sums.detach()))
        return loss - loss.detach() * (1 - 1 / self._peers.count)


def dice_sums(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum over the labelled pixels what `dice_loss` needs of each class.

    Returns:
        `(3, C)`: the probabilities of pixels with the class as label, those of all pixels, the number of pixels with
        the class as label.
    """
    probability = _log_probability(logits, (labels.shape[1], labels.shape[2])).exp()
    probability = probability * (labels != IGNORE).unsqueeze(1)
    classes = torch.arange(logits.shape[1], device=labels.device).view(1, -1, 1, 1)
    is_class = (labels.long().unsqueeze(1) == classes).to(probability.dtype)
    return torch.stack([(probability * is_class).sum((0, 2, 3)), probability.sum((0, 2, 3)), is_class.sum((0, 2, 3))])


def dice_loss(sums: Tensor) -> Tensor:
    """Compute 1 - mean over the classes that occur of 2 sum(p g) / (sum(p) + sum(g)), from `dice_sums`.

    Here p are the probabilities of a class and g is 1 where it is the label. A batch without labels has loss 0.

    Source:
        Sudre et al., Generalised Dice overlap, DLMIA 2017, section 2 (the two-class loss without smoothing, here for
        each class of a batch).
    """
    overlap, predicted, occurring = sums
    there = (occurring > 0).to(sums.dtype)
    error = 1 - 2 * overlap / (predicted + occurring).clamp(min=1e-12)
    mean: Tensor = (error * there).sum() / there.sum().clamp(min=1)
    return mean


def _log_probability(logits: Tensor, size: tuple[int, int]) -> Tensor:
    logits = logits if logits.dtype is torch.float64 else logits.float()
    return F.log_softmax(upsample(logits, size), dim=1)
