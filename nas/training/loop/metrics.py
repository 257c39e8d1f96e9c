"""Confusion matrix and intersection over union (IoU)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Scores(NamedTuple):
    """Intersection over union of predictions and labels.

    Attributes:
        miou: In [0, 1], the mean over the classes that occur in the labels.
        class_iou: By class; `None` for a class that neither occurs nor is predicted.
    """

    miou: float
    class_iou: tuple[float | None, ...]


def confusion_matrix(labels: Tensor, predictions: Tensor, num_classes: int) -> Tensor:
    """Count the pixels of each pair of label and prediction.

    Args:
        labels: Integers; pixels with a label that is no class (such as `IGNORE`) are left out.
        predictions: Integers of the same shape.
        num_classes: Number of classes.

    Returns:
        `(num_classes, num_classes)` int64; the row is the label, the column the prediction.
    """
    label, prediction = labels.long().reshape(-1), predictions.long().reshape(-1)
    cells = num_classes * num_classes
    cell = torch.where(label < num_classes, label * num_classes + prediction, cells)
    return torch.bincount(cell, minlength=cells + 1)[:cells].reshape(num_classes, num_classes)


def scores(confusion: Tensor) -> Scores:
    """Compute the IoU of each class, TP / (TP + FP + FN), and their mean over the classes that occur.

    A class that is predicted but never occurs has IoU 0 and is left out of the mean, so that every architecture is
    averaged over the same classes. The mean over no class is 0.
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
