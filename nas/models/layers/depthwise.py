"""Depthwise 3x3 convolution with an atrous rate per axis, and a fast implementation for CPUs.

oneDNN is fast at rate 1 and slow at every other: on one core (batch 8, 256 channels, 33x33 cells, rate 6x21)
forward and backward cost 48 ms in NCHW, 108 ms channels-last, and 9 ms with the implementation here: one multiply-add
over a slice per filter tap, channels last, in blocks that stay in the cache. Taps outside the map are skipped. Native
kernels (`nas.models.layers.native`) do the same faster where they have been compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nas.models.layers.conv import init_truncated_normal
from nas.models.layers.native import Kernels, kernels_for
from nas.models.layers.tracing import in_channels_last, is_traced

DEPTHWISE_STD = 0.33
"""Standard deviation of the initial depthwise weights (TensorFlow DeepLab)."""

BLOCK_BYTES = 1 << 20
"""Images are processed together up to this size, so that nine passes over them read the second-level cache."""


class DepthwiseAtrous(nn.Module):
    """Atrous depthwise 3x3 convolution without bias, with filter taps `rate` = (r_h, r_w) cells apart.

    (N, C, H, W) -> (N, C, H, W), padded with zeros. A rate may exceed the map: only taps inside contribute.

    Raises:
        ValueError: A rate is below 1.
    """

    def __init__(self, channels: int, rate: tuple[int, int]) -> None:
        super().__init__()
        if min(rate) < 1:
            raise ValueError(f"atrous rates must be at least 1, not {rate}")
        self.rate = rate
        self.weight = nn.Parameter(torch.empty(channels, 1, 3, 3))
        init_truncated_normal(self.weight, DEPTHWISE_STD)

    def forward(self, x: Tensor) -> Tensor:
        if self.rate != (1, 1) and (kernels := kernels_for("heads", x, self.weight)) is not None:
            z: Tensor = _Native.apply(x, self.weight, self.rate, kernels)  # type: ignore[no-untyped-call]  # torch's
            return z
        if self.rate != (1, 1) and _taps_are_faster(x):
            y: Tensor = _PerTap.apply(x, self.weight, self.rate)  # type: ignore[no-untyped-call]  # torch again
            return y
        if x.device.type == "cpu":
            x = in_channels_last(x)
        return F.conv2d(x, self.weight, padding=self.rate, dilation=self.rate, groups=x.shape[1])

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, rate={self.rate}"


def _taps_are_faster(x: Tensor) -> bool:
    """Return whether to sum over taps: on a CPU, in float32 or float64 (bfloat16 would be rounded nine times).

    Not in a traced graph, which would hold some 15 nodes for each tap and run on other devices too.
    """
    if is_traced():
        return False
    return x.device.type == "cpu" and x.dtype.itemsize >= 4 and not torch.is_autocast_enabled("cpu")


class _Tap(NamedTuple):
    """One of the 9 filter taps: the output's window `target` (rows, columns) reads the input's window `source`."""

    position: int
    target: tuple[slice, slice]
    source: tuple[slice, slice]


def _axis(size: int, offset: int) -> tuple[slice, slice] | None:
    """Return the cells of an axis that have a neighbour `offset` cells away, and the neighbours; None without any."""
    start, stop = max(0, -offset), min(size, size - offset)
    return (slice(start, stop), slice(start + offset, stop + offset)) if start < stop else None


def _taps(height: int, width: int, rate: tuple[int, int]) -> Iterator[_Tap]:
    """Yield the taps that read any cell of the map; the centre (4) first, since its windows cover the entire map."""
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
        cells, grad_y, filters = _channels_last(x), _channels_last(grad), _filters(weight)
        need_x, need_weight, _ = ctx.needs_input_grad
        grad_x = torch.empty_like(cells) if need_x else None
        grad_filters = torch.zeros_like(filters) if need_weight else None
        taps = list(_taps(x.shape[2], x.shape[3], ctx.rate))
        for block in _blocks(cells):
            if grad_x is not None:
                mirrored = [(tap.position, tap.source, tap.target) for tap in taps]
                _accumulate(grad_x[block], grad_y[block], filters, mirrored)
            if grad_filters is not None:
                for position, target, source in taps:
                    product = grad_y[block][:, *target] * cells[block][:, *source]
                    grad_filters[position] += product.view(-1, product.shape[3]).sum(0)
        return (
            None if grad_x is None else grad_x.permute(0, 3, 1, 2),
            None if grad_filters is None else grad_filters.t().reshape(weight.shape),
            None,
        )


class _Native(torch.autograd.Function):
    """The same convolution by native kernels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rate: tuple[int, int], kernels: Kernels) -> Tensor:
        x, weight = x.contiguous(memory_format=torch.channels_last), weight.contiguous()
        y = torch.empty_like(x)
        n, channels, height, width = x.shape
        kernels.run("depthwise_forward", x.dtype, x, weight, y, n, height, width, channels, *rate)
        ctx.save_for_backward(x, weight)
        ctx.rate, ctx.kernels = rate, kernels
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        n, channels, height, width = x.shape
        slope = slope.contiguous(memory_format=torch.channels_last)
        x_slope = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        weight_slope = torch.empty_like(weight) if ctx.needs_input_grad[1] else None
        tensors = (x, weight, slope, x_slope, weight_slope)
        ctx.kernels.run("depthwise_backward", x.dtype, *tensors, n, height, width, channels, *ctx.rate)
        return x_slope, weight_slope, None, None


def _accumulate(
    y: Tensor,
    x: Tensor,
    filters: Tensor,
    taps: list[tuple[int, tuple[slice, slice], tuple[slice, slice]]],
) -> None:
    """Write the sum over taps of x[source] * filter into y[target]; the first tap, the centre, initialises all of y."""
    for position, target, source in taps:
        if position == 4:
            torch.mul(x, filters[4], out=y)
        else:
            y[:, *target].addcmul_(x[:, *source], filters[position])


def _channels_last(x: Tensor) -> Tensor:
    """Return (N, C, H, W) as contiguous (N, H, W, C), without a copy where the memory has that layout already."""
    return x.permute(0, 2, 3, 1).contiguous()


def _filters(weight: Tensor) -> Tensor:
    """Return (C, 1, 3, 3) as contiguous (9, C)."""
    return weight.detach().reshape(-1, 9).t().contiguous()


def _blocks(cells: Tensor) -> list[slice]:
    """Return slices of the batch axis, each of about `BLOCK_BYTES`."""
    images = cells.shape[0]
    step = max(1, BLOCK_BYTES // max(1, cells[0].numel() * cells.itemsize)) if images else 1
    return [slice(start, start + step) for start in range(0, images, step)]
