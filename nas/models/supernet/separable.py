"""ReLU, depthwise and pointwise convolution of several operators on many edges at once, with little kept for backward.

Written with torch's own operators, a pass would keep the spread input and each depthwise result. Here only the input
is kept and the cheap depthwise convolutions are done again, and only where the weights' gradients are asked for.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

NARROW = 16
"""Channels up to which a CPU multiplies two groups at a time: twice the work, in half the time (8 x 8 is too small)."""


def as_cells(x: Tensor) -> Tensor:
    """(N, C, H, W) -> contiguous (N, H, W, C); no copy where memory is channels-last."""
    return x.permute(0, 2, 3, 1).contiguous()


def as_maps(x: Tensor) -> Tensor:
    """(N, H, W, C) -> (N, C, H, W) on the same memory: channels-last."""
    return x.permute(0, 3, 1, 2)


def spread_pass(x: Tensor, edges: int, filters: list[Tensor], mixers: Tensor, rates: list[int]) -> Tensor:
    """Every operator on `edges` edges of each source: (N, H, W, S, C) -> (N, H, W, operators, S * edges * C).

    `filters[o]` (S * edges * C, 1, k, k), `mixers` (operators, S * edges, C, C) as in -> out.
    """
    return _run(x, edges, filters, mixers, rates)


def parallel_pass(x: Tensor, filters: list[Tensor], mixers: Tensor, rates: list[int]) -> Tensor:
    """Operator o on part o of its own: (N, H, W, operators, G * C) -> the same; `mixers` (operators, G, C, C)."""
    return _run(x, 0, filters, mixers, rates)


def _run(x: Tensor, edges: int, filters: list[Tensor], mixers: Tensor, rates: list[int]) -> Tensor:
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, mixers, filters = x.to(dtype), mixers.to(dtype), [filter_.to(dtype) for filter_ in filters]
    y: Tensor = _Pass.apply(x, edges, tuple(rates), mixers, *filters)  # type: ignore[no-untyped-call]  # torch's
    return y


class _Pass(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, edges: int, rates: tuple[int, ...], mixers: Tensor, *filters: Tensor) -> Tensor:
        inputs = _inputs(x, edges, len(rates))
        n, height, width = x.shape[:3]
        y = x.new_empty(n * height * width, len(rates), mixers.shape[1] * mixers.shape[2])
        matrices = _in_pairs(mixers)
        for index, rate in enumerate(rates):
            filtered = _convolve(inputs[index], filters[index], rate)
            _mix(as_cells(filtered).view(y.shape[0], -1), matrices[index], y[:, index])
        ctx.edges, ctx.rates = edges, rates
        # Of a source the few channels before spreading; of parallel parts the copies that ReLU has made anyway.
        kept = (x,) if edges else tuple(inputs)
        ctx.save_for_backward(mixers, *filters, *kept)
        return y.view(n, height, width, len(rates), -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        operators = len(ctx.rates)
        mixers, *rest = ctx.saved_tensors
        filters, kept = rest[:operators], rest[operators:]
        inputs = _inputs(kept[0], ctx.edges, operators) if ctx.edges else kept
        need_x, need_mixers, need_filters = (ctx.needs_input_grad[place] for place in (0, 3, 4))
        rows = grad.reshape(-1, operators, grad.shape[-1])
        matrices = _in_pairs(mixers)
        back = matrices.transpose(2, 3)
        grad_mixers = torch.empty_like(matrices) if need_mixers else None
        grad_inputs, grad_filters = [], []
        for index, rate in enumerate(ctx.rates):
            if grad_mixers is not None:
                filtered = as_cells(_convolve(inputs[index], filters[index], rate)).view(rows.shape[0], -1)
                _mixer_gradient(filtered, rows[:, index], grad_mixers[index])
            slope = rows.new_empty(rows.shape[0], rows.shape[2])
            _mix(rows[:, index], back[index], slope)
            slope_maps = as_maps(slope.view(*grad.shape[:3], -1))
            if need_filters:
                grad_filters.append(_filter_gradient(inputs[index], filters[index], slope_maps, rate))
            if need_x:
                # For a convolution with the mirrored filter oneDNN has a quick kernel at every rate.
                grad_inputs.append(_convolve(slope_maps, filters[index].flip(2, 3), rate))
        grad_x = _input_gradient(grad_inputs, kept, ctx.edges) if need_x else None
        if grad_mixers is not None:
            grad_mixers = _out_of_pairs(grad_mixers, mixers)
        return grad_x, None, None, grad_mixers, *(grad_filters if need_filters else [None] * operators)


def _inputs(x: Tensor, edges: int, operators: int) -> list[Tensor]:
    """What each operator sees, rectified, as maps."""
    if edges == 0:
        return [as_maps(F.relu(part)) for part in x.unbind(3)]
    n, height, width, sources, channels = x.shape
    spread = F.relu(x)[:, :, :, :, None].expand(n, height, width, sources, edges, channels)
    return [as_maps(spread.reshape(n, height, width, -1))] * operators


def _input_gradient(slopes: list[Tensor], kept: list[Tensor], edges: int) -> Tensor:
    if edges == 0:
        parts = [as_cells(slope * (z > 0)) for slope, z in zip(slopes, kept, strict=True)]
        return torch.stack(parts, 3)
    total = slopes[0]
    for slope in slopes[1:]:
        total += slope
    x = kept[0]
    return as_cells(total).view(*x.shape[:4], edges, x.shape[4]).sum(4).mul_(x > 0)


def _convolve(maps: Tensor, weight: Tensor, rate: int) -> Tensor:
    return F.conv2d(maps, weight, padding=rate * (weight.shape[2] // 2), dilation=rate, groups=maps.shape[1])


def _paired(mixers: Tensor) -> bool:
    return mixers.device.type == "cpu" and mixers.shape[2] <= NARROW and mixers.shape[1] % 2 == 0


def _in_pairs(mixers: Tensor) -> Tensor:
    """Neighbouring matrices on the diagonal of one, where they are narrow: (o, G, C, C) -> (o, G / 2, 2 C, 2 C)."""
    if not _paired(mixers):
        return mixers
    operators, groups, channels = mixers.shape[:3]
    pairs = mixers.new_zeros(operators, groups // 2, 2, channels, 2, channels)
    pairs.diagonal(dim1=2, dim2=4).copy_(
        mixers.view(operators, groups // 2, 2, channels, channels).permute(0, 1, 3, 4, 2)
    )
    return pairs.view(operators, groups // 2, 2 * channels, 2 * channels)


def _mix(rows: Tensor, mixers: Tensor, out: Tensor) -> None:
    """Each group of channels with its own matrix: (P, G C), (G, C, C) -> into `out` (P, G C), which may be strided.

    The groups may be pairs of `_in_pairs`.
    """
    shape = (rows.shape[0], *mixers.shape[:2])
    mixed = torch.bmm(_split(rows, shape).transpose(0, 1), mixers)
    _split(out, shape).copy_(mixed.transpose(0, 1))


def _mixer_gradient(rows: Tensor, slopes: Tensor, out: Tensor) -> None:
    """Of `_mix` in the matrices: (P, G C) twice -> into `out` (G, C, C), of whole pairs where they are."""
    shape = (rows.shape[0], *out.shape[:2])
    torch.bmm(_split(rows, shape).permute(1, 2, 0), _split(slopes, shape).transpose(0, 1), out=out)


def _out_of_pairs(pairs: Tensor, like: Tensor) -> Tensor:
    """The gradient of `_in_pairs`."""
    if not _paired(like):
        return pairs
    operators, groups, channels = like.shape[:3]
    blocks = pairs.view(operators, groups // 2, 2, channels, 2, channels).diagonal(dim1=2, dim2=4)
    return blocks.permute(0, 1, 4, 2, 3).reshape(like.shape)


def _split(rows: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """(P, G C) -> (P, G, C) on the same memory, whatever the distance of rows."""
    return rows.as_strided(shape, (rows.stride(0), shape[2], 1))


def _filter_gradient(x: Tensor, weight: Tensor, slope: Tensor, rate: int) -> Tensor:
    """Of a depthwise convolution in its filters.

    On a CPU oneDNN is quick for 3x3 at rate 1 only: an atrous convolution is one at rate 1 on every rate-th cell,
    and a 5x5 filter is covered by four 3x3 ones.
    """
    if x.device.type != "cpu":
        return _filter_gradient_of(x, slope, weight, rate, rate * (weight.shape[2] // 2))
    if rate > 1:
        x, slope = _phases(x, rate), _phases(slope, rate)
    if weight.shape[2] == 3:
        return _filter_gradient_of(x, slope, weight, 1, 1)
    assert weight.shape[2] == 5
    height, width = x.shape[2:]
    padded = as_maps(F.pad(x.permute(0, 2, 3, 1), (0, 0, 2, 2, 2, 2)))
    whole = torch.empty_like(weight)
    small = weight[:, :, :3, :3].contiguous()
    for i in (0, 2):
        for j in (0, 2):
            window = padded[:, :, i : i + height + 2, j : j + width + 2]
            whole[:, :, i : i + 3, j : j + 3] = _filter_gradient_of(window, slope, small, 1, 0)
    return whole


def _filter_gradient_of(x: Tensor, slope: Tensor, weight: Tensor, rate: int, padding: int) -> Tensor:
    result: tuple[Any, Tensor, Any] = torch.ops.aten.convolution_backward(
        slope, x, weight, None, [1, 1], [padding] * 2, [rate] * 2, False, [0, 0], x.shape[1], [False, True, False]
    )
    return result[1]


def _phases(maps: Tensor, rate: int) -> Tensor:
    """Every rate-th cell as an image of its own, zero-padded: (N, C, H, W) -> (rate^2 N, C, H / rate, W / rate)."""
    cells = maps.permute(0, 2, 3, 1)
    n, height, width, channels = cells.shape
    cells = F.pad(cells, (0, 0, 0, -width % rate, 0, -height % rate))
    cells = cells.view(n, cells.shape[1] // rate, rate, cells.shape[2] // rate, rate, channels)
    return as_maps(cells.permute(2, 4, 0, 1, 3, 5).reshape(rate * rate * n, cells.shape[1], cells.shape[3], channels))
