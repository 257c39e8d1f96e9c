"""Confusion matrix, intersection over union."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Scores(NamedTuple):
    """`miou` in [0, 1] over the classes that occur in the labels; `class_iou[c]` None where c neither occurs nor is
    predicted.
    """

    miou: float
    class_iou: tuple[float | None, ...]


def confusion_matrix(labels: Tensor, predictions: Tensor, num_classes: int) -> Tensor:
    """(num_classes, num_classes) int64, row: label, column: prediction. Labels beyond the classes are left out.

    Both tensors hold integers and have the same shape.
    """
    label, prediction = labels.long().reshape(-1), predictions.long().reshape(-1)
    cells = num_classes * num_classes
    cell = torch.where(label < num_classes, label * num_classes + prediction, cells)
    return torch.bincount(cell, minlength=cells + 1)[:cells].reshape(num_classes, num_classes)


def scores(confusion: Tensor) -> Scores:
    """IoU per class = TP / (TP + FP + FN), and their mean over the classes that occur.

    A class that is predicted but never occurs has IoU 0 and stays out of the mean, so that every architecture is
    averaged over the same classes. No class at all scores 0.
    """
    matrix = confusion.double().cpu()
    hits, occurring = matrix.diagonal(), matrix.sum(1)
    union = occurring + matrix.sum(0) - hits
    iou = hits / union.clamp(min=1)
    present = occurring > 0
    miou = float(iou[present].mean()) if bool(present.any()) else 0.0
    return Scores(
        min(miou, 1.0),
        tuple(value if there else None for value, there in zip(iou.tolist(), (union > 0).tolist(), strict=True)),
    )
