"""Bilinear resizing of logits to the size of the labels."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor


def resize_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize logits bilinearly.

    Corners are aligned where height and width of the labels are a multiple of the cells' stride plus one (513, 769), as
    the outer cells then lie on the corner pixels. On a GPU the resize is two matrix products, whose backward pass adds
    in a fixed order, unlike that of `interpolate`.

    Args:
        logits: `(N, C, h, w)`.
        size: Height and width of the labels, in pixels.

    Returns:
        `(N, C, *size)`; the logits themselves where they have that size.
    """
    present = (logits.shape[2], logits.shape[3])
    if present == size:
        return logits
    aligned = all(_on_corners(small, large) for small, large in zip(present, size, strict=True))
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
    """Compute `interpolate(..., mode="bilinear", align_corners=aligned)` as rows @ logits @ columns^T."""
    rows = interpolation_matrix(logits.shape[2], size[0], aligned, logits.device)
    columns = interpolation_matrix(logits.shape[3], size[1], aligned, logits.device)
    return rows @ (logits @ columns.T)


@functools.lru_cache(maxsize=64)
def interpolation_matrix(cells: int, pixels: int, aligned: bool, device: torch.device) -> Tensor:
    """Build the float32 matrix `(pixels, cells)` whose row i interpolates the cells on either side of pixel i."""
    pixel = torch.arange(pixels, dtype=torch.float64)
    if aligned:
        position = pixel * ((cells - 1) / (pixels - 1))
    else:
        position = ((pixel + 0.5) * (cells / pixels) - 0.5).clamp(min=0, max=cells - 1)
    cell = torch.arange(cells, dtype=torch.float64)
    return (1 - (position[:, None] - cell).abs()).clamp(min=0).float().to(device)
