"""Sliding means, bilinear resizing and adaptive average pooling: deterministic, and fast on CPUs and GPUs.

Each operation is separable. The CUDA kernels behind `interpolate` and `adaptive_avg_pool2d` add up gradients in no
fixed order; a product with one small matrix per axis computes the same and gives the same bits every time. An exported
graph, which is not trained further on a device that is known here, has torch's own operators instead.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

from nas.models.layers.tracing import any_symbol, is_exporting, is_traced, known_equal

_LARGEST_POWER = 14
"""Two to this power is more than the largest stride between two maps."""


def sliding_mean(x: Tensor, window: tuple[int, int]) -> Tensor:
    """Average pooling with stride 1 and no padding: (N, C, H, W) -> (N, C, H - k_h + 1, W - k_w + 1).

    A window (k_h, k_w) larger than the map is cut to the map. One axis after the other costs k_h + k_w additions a
    cell in place of k_h * k_w: on one core 8 ms instead of 23 with a 9x17 window (batch 8, 256 channels, 33x33 cells).
    Running sums would be faster still but lose digits in float32.
    """
    height, width = x.shape[-2:]
    if is_exporting() and any_symbol(height, width):
        return _sliding_mean_of_any_map(x, window)
    window = (min(window[0], height), min(window[1], width))
    if is_traced():
        return F.avg_pool2d(x, window, 1)
    return F.avg_pool2d(F.avg_pool2d(x, (window[0], 1), 1), (1, window[1]), 1)


def _sliding_mean_of_any_map(x: Tensor, window: tuple[int, int]) -> Tensor:
    """Compute `sliding_mean` of a map whose size is a symbol, for which the window cannot be cut.

    A smaller map is padded with zeros up to the window instead, and the means divided by the share of the window that
    lies on the map (exactly 1 on larger maps).
    """
    height, width = x.shape[-2:]
    rows, columns = (
        torch.sym_max(side - cells, 0)  # type: ignore[no-untyped-call]  # torch does not type it
        for side, cells in zip(window, (height, width), strict=True)
    )
    missing = (0, columns, 0, rows)
    share = F.avg_pool2d(F.pad(x.new_ones(1, 1, height, width), missing), window, 1)
    return F.avg_pool2d(F.pad(x, missing), window, 1) / share


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear interpolation with aligned corners: (N, C, H, W) -> (N, C, *size)."""
    if known_equal((x.shape[2], x.shape[3]), size):
        return x
    if _is_counted(x):
        return _empty_map(x, size)
    if x.device.type == "cpu" or is_exporting():  # on a CPU deterministic, and 4 times faster than matrices
        return F.interpolate(x, size=size, mode="bilinear", align_corners=True)
    rows = _interpolation(x.shape[2], size[0], True, x.device, x.dtype)
    return _apply_maps(x, rows, _interpolation(x.shape[3], size[1], True, x.device, x.dtype))


def upsample(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a map bilinearly to a finer stride, so that both maps show the same places of the image.

    Feature maps of several levels meet by this rule, and logits meet labels. Where each side of the finer map is a
    power of two times (cells - 1), plus 1, as for crops of 513 or 769 pixels, the outer cells lie on the corners, so
    corners are aligned. Otherwise a cell stands for a block of finer cells and lies in the middle of it.

    On a GPU the result is two matrix products, whose backward pass adds in a fixed order, unlike that of `interpolate`.
    So it is while `torch.export` traces a map of unknown size, where the rule becomes a part of the graph.

    Args:
        x: `(N, C, h, w)`.
        size: Height and width of the finer map, in cells or pixels.

    Returns:
        `(N, C, *size)`; `x` itself where it has that size.
    """
    present = (x.shape[2], x.shape[3])
    if is_exporting() and any_symbol(*present, *size):
        return _by_products(x, *_traced_interpolations(present, size, x))
    if present == size:
        return x
    if _is_counted(x):
        return _empty_map(x, size)
    aligned = all(_on_corners(cells, side) for cells, side in zip(present, size, strict=True))
    if x.is_cuda or x.is_meta:
        rows, columns = (
            _interpolation(cells, side, aligned, x.device, x.dtype) for cells, side in zip(present, size, strict=True)
        )
        return _by_products(x, rows, columns)
    return F.interpolate(x, size, mode="bilinear", align_corners=aligned)


def bin_means(x: Tensor, bins: tuple[int, int]) -> Tensor:
    """Adaptive average pooling, the means of `bins` equal parts: (N, C, H, W) -> (N, C, *bins)."""
    if _is_counted(x):
        return _empty_map(x, bins)
    if is_exporting():
        return _exported_bin_means(x, bins)
    rows = _bins_map(x.shape[2], bins[0], x.device, x.dtype)
    return _apply_maps(x, rows, _bins_map(x.shape[3], bins[1], x.device, x.dtype))


def _exported_bin_means(x: Tensor, bins: tuple[int, int]) -> Tensor:
    """Compute `bin_means` in an exported graph.

    Torch's own operator takes no size that is a symbol, and becomes 50 nodes in ONNX, which has none like it.
    """
    height, width = x.shape[-2:]
    if bins == (1, 1):
        return x.mean((2, 3), keepdim=True)
    if not any_symbol(height, width) and not torch.onnx.is_in_onnx_export():
        return F.adaptive_avg_pool2d(x, bins)
    rows, columns = (_bins_map(size, part, x.device, x.dtype) for size, part in zip((height, width), bins, strict=True))
    return rows @ x @ columns.T


def _is_counted(x: Tensor) -> bool:
    """Return whether only the result's shape is asked for: on the meta device, unless gradients flow.

    A training step on the meta device goes the way of a GPU, so that its operators can be counted.
    """
    return x.is_meta and not (torch.is_grad_enabled() and x.requires_grad)


def _empty_map(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the result's shape for the meta device, where multiply-adds are counted and resizing counts none."""
    return x.new_empty((*x.shape[:2], *size))


def _on_corners(cells: int, side: int) -> bool:
    """Return whether cells lie on the places 0, stride, ..., side - 1, for a stride that is a power of two."""
    if cells < 2 or (side - 1) % (cells - 1):
        return False
    stride = (side - 1) // (cells - 1)
    return stride & (stride - 1) == 0


def _traced_interpolations(present: tuple[int, int], size: tuple[int, int], x: Tensor) -> list[Tensor]:
    """Return the matrices of both axes for `upsample`, whose choice of the rule is a part of the traced graph."""
    axes = []
    for count, side in zip(present, size, strict=True):
        row = torch.arange(side, dtype=torch.float64, device=x.device)
        cell = torch.arange(count, dtype=torch.float64, device=x.device)
        axes.append((row, cell, row.new_ones(()) * side, row.new_ones(()) * count))
    strides = [(sides - 1) / (cells - 1) for _, _, sides, cells in axes]
    powers = 2 ** torch.arange(_LARGEST_POWER, dtype=torch.float64, device=x.device)
    aligned = (strides[0] == powers).any() & (strides[1] == powers).any()
    matrices = []
    for stride, (row, cell, sides, cells) in zip(strides, axes, strict=True):
        middle = torch.minimum(((row + 0.5) * cells / sides - 0.5).clamp(min=0), cells - 1)
        position = torch.where(aligned, row / stride, middle)
        matrices.append((1 - (position[:, None] - cell).abs()).clamp(min=0).to(x.dtype))
    return matrices


def _by_products(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows @ x[n, c] @ columns^T for all n, c: (N, C, H, W), (h, H), (w, W) -> (N, C, h, w)."""
    return rows @ (x @ columns.T)


def _apply_maps(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows @ x[n, c] @ columns^T for all n, c: (N, C, H, W), (h, H), (w, W) -> (N, C, h, w), channels last."""
    n, c, height, width = x.shape
    y = torch.matmul(rows, x.permute(0, 2, 3, 1).reshape(n, height, width * c))
    y = torch.matmul(columns, y.reshape(n, rows.shape[0], width, c))
    return y.permute(0, 3, 1, 2)


def _interpolation(cells: int, side: int, aligned: bool, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the interpolation matrix (side, cells).

    With aligned corners row i reads position i (cells - 1) / (side - 1), and a single row position 0. Otherwise row i
    reads the position of its middle, (i + 1/2) cells / side - 1/2, within the map.
    """
    make = _make_interpolation if is_traced() else _kept_interpolation
    return make(cells, side, aligned, device, dtype)


def _bins_map(size: int, bins: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the averaging matrix (bins, size).

    Row i is the mean from floor(i size / bins) up to ceil((i + 1) size / bins).
    """
    make = _make_bins_map if is_traced() else _kept_bins_map
    return make(size, bins, device, dtype)


def _make_interpolation(cells: int, side: int, aligned: bool, device: torch.device, dtype: torch.dtype) -> Tensor:
    row = torch.arange(side, dtype=torch.float64, device=device)
    if aligned:
        position = row * ((cells - 1) / (side - 1) if side > 1 else 0.0)
    else:
        position = ((row + 0.5) * (cells / side) - 0.5).clamp(min=0, max=cells - 1)
    cell = torch.arange(cells, device=device)
    return (1 - (position[:, None] - cell[None, :]).abs()).clamp(min=0).to(dtype)


def _make_bins_map(size: int, bins: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    part = torch.arange(bins, device=device)[:, None]
    cell = torch.arange(size, device=device)[None, :]
    # floor(part size / bins) <= cell < ceil((part + 1) size / bins), without a division.
    inside = ((part * size < (cell + 1) * bins) & (cell * bins < (part + 1) * size)).double()
    return (inside / inside.sum(1, keepdim=True)).to(dtype)


# Outside of traced graphs, whose tensors are no real ones, the matrices are kept on the device of the features. They
# are made outside of inference mode: a tensor made inside could not take part in a later backward pass.
_kept_interpolation = functools.lru_cache(maxsize=512)(torch.inference_mode(mode=False)(_make_interpolation))
_kept_bins_map = functools.lru_cache(maxsize=512)(torch.inference_mode(mode=False)(_make_bins_map))
