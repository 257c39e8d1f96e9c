"""Linear maps along the height and the width: sliding means, bilinear resizing, means of bins.

All three are one small matrix per axis, applied as two matrix products. That is exact (no running sums), cheaper
than the direct form for large windows (k + k products a pixel in place of k * k), and deterministic in the
backward pass, which the CUDA kernels of `interpolate` and `adaptive_avg_pool2d` are not.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor


def apply_axis_maps(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """y[n, c] = rows @ x[n, c] @ columns^T: (N, C, H, W), (h, H), (w, W) -> (N, C, h, w), channels last."""
    n, c, height, width = x.shape
    y = torch.matmul(rows, x.permute(0, 2, 3, 1).reshape(n, height, width * c))
    y = torch.matmul(columns, y.reshape(n, rows.shape[0], width, c))
    return y.permute(0, 3, 1, 2)


def sliding_mean(x: Tensor, window: tuple[int, int]) -> Tensor:
    """Average pooling with stride 1 and no padding: (N, C, H, W) -> (N, C, H - k_h + 1, W - k_w + 1)."""
    height, width = x.shape[-2:]
    rows = _sliding_map(height, window[0], x.device, x.dtype)
    return apply_axis_maps(x, rows, _sliding_map(width, window[1], x.device, x.dtype))


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear interpolation with aligned corners: (N, C, H, W) -> (N, C, *size)."""
    height, width = x.shape[-2:]
    if (height, width) == size:
        return x
    rows = _resize_map(height, size[0], x.device, x.dtype)
    return apply_axis_maps(x, rows, _resize_map(width, size[1], x.device, x.dtype))


def bin_means(x: Tensor, bins: tuple[int, int]) -> Tensor:
    """Means of equal parts, as adaptive average pooling: (N, C, H, W) -> (N, C, *bins)."""
    height, width = x.shape[-2:]
    rows = _bins_map(height, bins[0], x.device, x.dtype)
    return apply_axis_maps(x, rows, _bins_map(width, bins[1], x.device, x.dtype))


# The maps are kept where the features are, so that no step copies one to the device. They are made outside of
# inference mode: a tensor made inside could not take part in a later backward pass.


@functools.lru_cache(maxsize=512)
@torch.inference_mode(mode=False)
def _sliding_map(size: int, window: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    start = torch.arange(size - window + 1)[:, None]
    cell = torch.arange(size)[None, :]
    return (((cell >= start) & (cell < start + window)).double() / window).to(device, dtype)


@functools.lru_cache(maxsize=512)
@torch.inference_mode(mode=False)
def _resize_map(size: int, target: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    # Row i reads position i (size - 1) / (target - 1); a single target cell reads position 0, as TensorFlow does.
    position = torch.arange(target, dtype=torch.float64) * ((size - 1) / (target - 1) if target > 1 else 0.0)
    return (1 - (position[:, None] - torch.arange(size)[None, :]).abs()).clamp(min=0).to(device, dtype)


@functools.lru_cache(maxsize=512)
@torch.inference_mode(mode=False)
def _bins_map(size: int, bins: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    part = torch.arange(bins)[:, None]
    cell = torch.arange(size)[None, :]
    inside = ((cell >= part * size // bins) & (cell < -(-(part + 1) * size // bins))).double()
    return (inside / inside.sum(1, keepdim=True)).to(device, dtype)
