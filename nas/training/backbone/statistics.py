"""Mean and deviation of each feature over training crops, measured once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.cache.documents import made_once
from nas.data.crops import CropSource, Pair, crop_batches
from nas.data.parallel import in_order
from nas.models.backbones.base import Backbone
from nas.training.backbone.extractor import features_of, images_at_once
from nas.training.loop.device import thread_count_here

SAMPLE = 128
"""Number of training crops, evenly spaced over the images, from which mean and deviation are computed."""


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each feature channel over training crops; channels level after level."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def feature_statistics(
    path: Path,
    make_backbone: Callable[[], Backbone],
    source: CropSource,
    dtype: torch.dtype,
    parallel: int = 1,
    *,
    about: str = "",
) -> Statistics:
    """Read the statistics of a backbone's features from a file, or measure and save them.

    Args:
        path: The JSON file.
        make_backbone: Called where there is no file; returns the backbone on its device, in evaluation mode.
        source: The training crops, of which `SAMPLE` of view 0 are measured.
        dtype: Precision of the backbone.
        parallel: Batches of crops at once, each in a thread of its own.
        about: What the features are of, in words, for whoever lists the cache.

    Raises:
        ValueError: A feature is not finite, as with damaged weights.
        DatasetError: An image is missing or broken.
    """
    stored = made_once(path, lambda: {"about": about, **_measure(make_backbone(), source, dtype, parallel)})
    return Statistics(tuple(stored["mean"]), tuple(stored["deviation"]))


def _measure(backbone: Backbone, source: CropSource, dtype: torch.dtype, parallel: int) -> dict[str, Any]:
    device = next(backbone.parameters()).device
    use_threads = thread_count_here()

    @torch.inference_mode()
    def sums(item: tuple[int, Pair]) -> list[NDArray[np.float64]]:
        """Sums of the features, of their squares, and cells (3, C) of each level."""
        use_threads()
        return [_sums(features.double()) for features in features_of(backbone, item[1][0], device, dtype)]

    rows = np.unique(np.linspace(0, source.images - 1, min(SAMPLE, source.images)).round().astype(int)).tolist()
    totals = [np.zeros((3, level.channels)) for level in backbone.levels]
    for of_batch in in_order(sums, crop_batches(source, rows, images_at_once(source.crop)), parallel):
        totals = [total + more for total, more in zip(totals, of_batch, strict=True)]
    total, squares, cells = np.concatenate(totals, 1)
    mean = total / cells
    deviation = np.sqrt(np.maximum(squares / cells - mean**2, 0))
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
        raise ValueError("the backbone's features are not all finite: its weights are damaged, or need float32")
    return {"mean": mean.tolist(), "deviation": deviation.tolist()}


def _sums(features: Tensor) -> NDArray[np.float64]:
    cells = features.shape[0] * features.shape[2] * features.shape[3]
    sums: list[Tensor] = [features.sum((0, 2, 3)), features.square().sum((0, 2, 3))]
    return np.stack([*(of_channel.cpu().numpy() for of_channel in sums), np.full(features.shape[1], float(cells))])
