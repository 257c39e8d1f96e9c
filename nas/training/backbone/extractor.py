"""The backbone with standardised features, as heads read them."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.bank import Extract
from nas.data.dataset import Uint8
from nas.models.backbones.base import Backbone
from nas.models.layers.tracing import is_exporting
from nas.training.loop.device import autocast, thread_count_here
from nas.training.loop.pixels import to_network

PIXELS = 2**17
"""Pixels of images that a backbone reads at a time on a CPU.

The maps of two megapixels of images do not fit the 64 MiB to which glibc's allocator limits a heap of a thread: they
were given back to the kernel after each layer, and cleared by it for the next, in more than half of a bank's CPU time.
"""


class StandardizedBackbone(Backbone):
    """A backbone followed by (x - mean) / deviation per channel; mean and deviation are saved with the network.

    Both are given for the channels of all levels, one level after the other.

    Attributes:
        frozen: The backbone stays in evaluation mode and without gradients, whatever the network around it does.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, body: Backbone, mean: Tensor, deviation: Tensor, *, frozen: bool) -> None:
        super().__init__()
        self.body = body
        self.frozen = frozen
        self.levels = body.levels
        self.preprocessing = body.preprocessing
        self.register_buffer("mean", mean.float().reshape(-1, 1, 1))
        # A channel that never varies carries nothing: it becomes 0, not noise divided by nothing.
        self.register_buffer("scale", torch.where(deviation > 1e-6, 1 / deviation, 0).float().reshape(-1, 1, 1))
        if frozen:
            self.requires_grad_(False)
            self.eval()

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and not self.frozen)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if is_exporting():  # such a graph is not trained, and a switch of gradients would cut it in two
            return self._standardized(images)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self._standardized(images)

    def _standardized(self, images: Tensor) -> tuple[Tensor, ...]:
        maps: tuple[Tensor, ...] = self.body(images)
        standardized, first = [], 0
        for features, level in zip(maps, self.levels, strict=True):
            mean, scale = (values[first : first + level.channels] for values in (self.mean, self.scale))
            first += level.channels
            # At least float32: autocast may give bfloat16 features; those of a network in float64 stay float64.
            wide = features.to(torch.promote_types(features.dtype, torch.float32))
            standardized.append((wide - mean) * scale)
        return tuple(standardized)

    def leaves_out(self, key: str) -> bool:
        return self.body.leaves_out(key)


def feature_function(backbone: Backbone, device: torch.device, dtype: torch.dtype, pixels: int = PIXELS) -> Extract:
    """Make a function from images `(n, H, W, 3)` to one array of features `(n, h, w, C)` for each level.

    Features in bfloat16 are returned as their bits in uint16, as numpy has no bfloat16. Several threads may call the
    function at once, each with as many of torch's own threads as there are now. The arguments are those of
    `features_of`.
    """
    use_threads = thread_count_here()

    def extract(images: Uint8) -> tuple[NDArray[Any], ...]:
        use_threads()
        return tuple(_as_rows(features, dtype) for features in features_of(backbone, images, device, dtype, pixels))

    return extract


@torch.inference_mode()
def features_of(
    backbone: Backbone, images: Uint8, device: torch.device, dtype: torch.dtype, pixels: int = PIXELS
) -> tuple[Tensor, ...]:
    """Compute a backbone's features of images: on a CPU of a few at a time, on a GPU of all at once.

    Args:
        backbone: On the device, in evaluation mode.
        images: `(n, H, W, 3)`.
        device: Where the backbone is.
        dtype: Precision of the backbone.
        pixels: How many are read at a time on a CPU, and at least one image.

    Returns:
        For each level a map `(n, C, h, w)`, channels last in memory.
    """
    # Evenly, with no small image alone at the end: for one oneDNN may take another kernel, which rounds otherwise.
    pieces = math.ceil(images[..., 0].size / pixels) if device.type == "cpu" else 1
    parts: list[tuple[Tensor, ...]] = []
    for piece in np.array_split(images, min(pieces, len(images))):
        with autocast(device, dtype):
            parts.append(backbone(to_network(torch.from_numpy(piece).to(device), backbone.preprocessing)))
    return parts[0] if len(parts) == 1 else tuple(torch.cat(level) for level in zip(*parts, strict=True))


def _as_rows(features: Tensor, dtype: torch.dtype) -> NDArray[Any]:
    rows = features.permute(0, 2, 3, 1).to(dtype).contiguous().cpu()
    array: NDArray[Any] = (rows.view(torch.uint16) if dtype is torch.bfloat16 else rows).numpy()
    return array


def images_at_once(crop: tuple[int, int]) -> int:
    """Compute how many images of a crop size a backbone reads at a time: about two megapixels."""
    return max(1, 2**21 // (crop[0] * crop[1]))
