"""Depthwise 3x3 convolution with a rate per axis, and the way it is computed on a CPU.

oneDNN is quick at rate 1 and slow at every other: on one core (batch 8, 256 channels, 33x33 cells, rate 6x21)
forward and backward take 48 ms in NCHW, 108 ms channels-last, and 9 ms as done here: one multiply-add over a slice
per tap, channels last, in blocks that stay in the cache. Taps that fall outside the map are never touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nas.models.layers.conv import init_truncated_normal

DEPTHWISE_STD = 0.33
"""Standard deviation of the initial depthwise weights (TensorFlow DeepLab)."""

BLOCK_BYTES = 1 << 20
"""Images are taken together up to this size, so that nine passes over them read the second-level cache."""


class DepthwiseAtrous(nn.Module):
    """Each channel with its own 3x3 filter whose taps lie (r_h, r_w) cells apart; zeros outside; no bias.

    (N, C, H, W) -> (N, C, H, W). Rates larger than the map are well-defined: only taps inside contribute.
    """

    def __init__(self, channels: int, rate: tuple[int, int]) -> None:
        super().__init__()
        if min(rate) < 1:
            raise ValueError(f"atrous rates must be at least 1, not {rate}")
        self.rate = rate
        self.weight = nn.Parameter(torch.empty(channels, 1, 3, 3))
        init_truncated_normal(self.weight, DEPTHWISE_STD)

    def forward(self, x: Tensor) -> Tensor:
        """Cross-correlation, as every deep-learning framework's convolution."""
        if self.rate != (1, 1) and _taps_are_faster(x):
            y: Tensor = _PerTap.apply(x, self.weight, self.rate)  # type: ignore[no-untyped-call]  # torch again
            return y
        if x.device.type == "cpu":
            x = x.contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, self.weight, padding=self.rate, dilation=self.rate, groups=x.shape[1])

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"{self.weight.shape[0]}, rate={self.rate}"


def _taps_are_faster(x: Tensor) -> bool:
    """On a CPU in float32 or float64. Sums of taps in bfloat16 would be rounded nine times."""
    return x.device.type == "cpu" and x.dtype.itemsize >= 4 and not torch.is_autocast_enabled("cpu")


class _Tap(NamedTuple):
    """Tap `position` of 9: output window `target` (rows, columns) reads the input's `source`, of the same size."""

    position: int
    target: tuple[slice, slice]
    source: tuple[slice, slice]


def _axis(size: int, offset: int) -> tuple[slice, slice] | None:
    """Cells that have a neighbour `offset` cells on, and these neighbours; None where there is none."""
    start, stop = max(0, -offset), min(size, size - offset)
    return (slice(start, stop), slice(start + offset, stop + offset)) if start < stop else None


def _taps(height: int, width: int, rate: tuple[int, int]) -> Iterator[_Tap]:
    """The taps that see anything of the map; the centre (4) first, since it covers everything."""
    for index in (4, 0, 1, 2, 3, 5, 6, 7, 8):
        rows = _axis(height, (index // 3 - 1) * rate[0])
        columns = _axis(width, (index % 3 - 1) * rate[1])
        if rows is not None and columns is not None:
            yield _Tap(index, (rows[0], columns[0]), (rows[1], columns[1]))


class _PerTap(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rate: tuple[int, int]) -> Tensor:
        cells, filters = _channels_last(x), _filters(weight)
        ctx.save_for_backward(x, weight)
        ctx.rate = rate
        y = torch.empty_like(cells)
        taps = list(_taps(x.shape[2], x.shape[3], rate))
        for block in _blocks(cells):
            _accumulate(y[block], cells[block], filters, [(tap.position, tap.target, tap.source) for tap in taps])
        return y.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        cells, slopes, filters = _channels_last(x), _channels_last(grad), _filters(weight)
        need_x, need_weight, _ = ctx.needs_input_grad
        grad_x = torch.empty_like(cells) if need_x else None
        grad_filters = torch.zeros_like(filters) if need_weight else None
        taps = list(_taps(x.shape[2], x.shape[3], ctx.rate))
        for block in _blocks(cells):
            if grad_x is not None:
                mirrored = [(tap.position, tap.source, tap.target) for tap in taps]
                _accumulate(grad_x[block], slopes[block], filters, mirrored)
            if grad_filters is not None:
                for position, target, source in taps:
                    product = slopes[block][:, *target] * cells[block][:, *source]
                    grad_filters[position] += product.view(-1, product.shape[3]).sum(0)
        return (
            None if grad_x is None else grad_x.permute(0, 3, 1, 2),
            None if grad_filters is None else grad_filters.t().reshape(weight.shape),
            None,
        )


def _accumulate(
    y: Tensor,
    x: Tensor,
    filters: Tensor,
    taps: list[tuple[int, tuple[slice, slice], tuple[slice, slice]]],
) -> None:
    """In place: y[target] = sum over taps of x[source] * filter; the first tap covers all of y."""
    for position, target, source in taps:
        if position == 4:
            torch.mul(x, filters[4], out=y)
        else:
            y[:, *target].addcmul_(x[:, *source], filters[position])


def _channels_last(x: Tensor) -> Tensor:
    """(N, C, H, W) -> contiguous (N, H, W, C), without a copy where memory is in that order already."""
    return x.permute(0, 2, 3, 1).contiguous()


def _filters(weight: Tensor) -> Tensor:
    """(C, 1, 3, 3) -> contiguous (9, C)."""
    return weight.detach().reshape(-1, 9).t().contiguous()


def _blocks(cells: Tensor) -> list[slice]:
    """Slices of images of about `BLOCK_BYTES`."""
    images = cells.shape[0]
    step = max(1, BLOCK_BYTES // max(1, cells[0].numel() * cells.itemsize)) if images else 1
    return [slice(start, start + step) for start in range(0, images, step)]
