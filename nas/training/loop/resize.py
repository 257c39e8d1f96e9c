"""Bilinear resizing of logits to the size of the labels."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor


def resize_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, h, w) -> (N, C, *size); unchanged when it has that size.

    Corners are aligned where both label sides are a multiple of the cells' stride and one more (513, 769), as the
    cells then lie on the corner pixels. On a GPU the resize is two matrix products: its backward pass adds in a fixed
    order, unlike `interpolate`'s.
    """
    have = (logits.shape[2], logits.shape[3])
    if have == size:
        return logits
    aligned = all(_on_corners(small, large) for small, large in zip(have, size, strict=True))
    if logits.is_cuda:
        return by_products(logits, size, aligned)
    return F.interpolate(logits, size, mode="bilinear", align_corners=aligned)


def _on_corners(cells: int, pixels: int) -> bool:
    """Whether cells lie on the pixels 0, stride, ..., pixels - 1, for a stride that is a power of two."""
    if cells < 2 or (pixels - 1) % (cells - 1):
        return False
    stride = (pixels - 1) // (cells - 1)
    return stride & (stride - 1) == 0


def by_products(logits: Tensor, size: tuple[int, int], aligned: bool) -> Tensor:
    """`interpolate(..., mode="bilinear", align_corners=aligned)` as rows @ logits @ columns^T."""
    rows = interpolation_matrix(logits.shape[2], size[0], aligned, logits.device)
    columns = interpolation_matrix(logits.shape[3], size[1], aligned, logits.device)
    return rows @ (logits @ columns.T)


@functools.lru_cache(maxsize=64)
def interpolation_matrix(have: int, want: int, aligned: bool, device: torch.device) -> Tensor:
    """(want, have), float32: row i mixes the one or two cells that pixel i lies between."""
    pixel = torch.arange(want, dtype=torch.float64)
    if aligned:
        position = pixel * ((have - 1) / (want - 1))
    else:
        position = ((pixel + 0.5) * (have / want) - 0.5).clamp(min=0, max=have - 1)
    cell = torch.arange(have, dtype=torch.float64)
    return (1 - (position[:, None] - cell).abs()).clamp(min=0).float().to(device)
