"""ReLU, depthwise and pointwise convolution of several operators on many edges at once, saving little for backward.

With torch's own operators a pass would save the input repeated for all edges and each depthwise result. Here only the
input is saved; the backward pass repeats the cheap depthwise convolutions, and only if gradients of the weights are
needed.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from nas.models.layers.native import Kernels, kernels_for

NARROW = 16
"""Channels up to which a CPU multiplies two groups as one matrix: twice the work, half the time (8 x 8 is small)."""


def as_cells(x: Tensor) -> Tensor:
    """Return (N, C, H, W) as contiguous (N, H, W, C), without a copy where the memory is channels-last."""
    return x.permute(0, 2, 3, 1).contiguous()


def as_maps(x: Tensor) -> Tensor:
    """Return (N, H, W, C) as a channels-last view (N, C, H, W)."""
    return x.permute(0, 3, 1, 2)


def spread_pass(x: Tensor, edges: int, filters: list[Tensor], pointwise: Tensor, rates: list[int]) -> Tensor:
    """Apply every operator on `edges` edges of each source: (N, H, W, S, C) -> (N, H, W, operators, S * edges * C).

    Args:
        x: The S sources.
        edges: Edges that leave each source.
        filters: For each operator its depthwise filters (S * edges * C, 1, k, k).
        pointwise: Pointwise weights (operators, S * edges, C, C), the last two axes input and output channels.
        rates: Atrous rate of each operator.
    """
    return _run(x, edges, filters, pointwise, rates)


def parallel_pass(x: Tensor, filters: list[Tensor], pointwise: Tensor, rates: list[int]) -> Tensor:
    """Apply each operator to its own part of `x`: (N, H, W, operators, G * C) -> the same shape.

    `pointwise` is (operators, G, C, C); the other arguments are those of `spread_pass`.
    """
    return _run(x, 0, filters, pointwise, rates)


def _run(x: Tensor, edges: int, filters: list[Tensor], pointwise: Tensor, rates: list[int]) -> Tensor:
    if not x.is_meta and torch.is_autocast_enabled(x.device.type):  # the meta device has no autocast
        dtype = torch.get_autocast_dtype(x.device.type)
        x, pointwise, filters = x.to(dtype), pointwise.to(dtype), [filter_.to(dtype) for filter_ in filters]
    if (kernels := kernels_for("supernet", x, pointwise, *filters)) is not None:
        z: Tensor = _NativePass.apply(x, edges, tuple(rates), kernels, pointwise, *filters)  # type: ignore[no-untyped-call]  # torch's
        return z
    y: Tensor = _Pass.apply(x, edges, tuple(rates), pointwise, *filters)  # type: ignore[no-untyped-call]  # torch's
    return y


class _NativePass(torch.autograd.Function):
    """The same pass by native kernels."""

    @staticmethod
    def forward(  # noqa: PLR0917  the arguments of autograd's functions go by position
        ctx: Any, x: Tensor, edges: int, rates: tuple[int, ...], kernels: Kernels, pointwise: Tensor, *filters: Tensor
    ) -> Tensor:
        # A tensor that is saved keeps all memory it is a view of: part of a wider one is copied, so that that is freed.
        x, pointwise = x.contiguous(), pointwise.contiguous()
        filters = tuple(filter_.contiguous() for filter_ in filters)
        sizes = torch.tensor([[filter_.shape[2] for filter_ in filters], rates])
        y = x.new_empty(*x.shape[:3], len(rates), pointwise.shape[1] * pointwise.shape[2])
        kernels.run(
            "supernet_forward", x.dtype, x, filters, pointwise, y, sizes[0], sizes[1], *_extent(x, edges, pointwise)
        )
        ctx.edges, ctx.sizes, ctx.kernels = edges, sizes, kernels
        ctx.save_for_backward(x, pointwise, *filters)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, pointwise, *filters = ctx.saved_tensors
        need_x, need_pointwise, need_filters = (ctx.needs_input_grad[place] for place in (0, 4, 5))
        grad_x = torch.empty_like(x, memory_format=torch.contiguous_format) if need_x else None
        grad_pointwise = torch.empty_like(pointwise) if need_pointwise else None
        grad_filters = [torch.empty_like(filter_) for filter_ in filters] if need_filters else None
        ctx.kernels.run(
            "supernet_backward",
            x.dtype,
            *(x, filters, pointwise, slope.contiguous()),
            *(grad_x, grad_filters, grad_pointwise),
            *(ctx.sizes[0], ctx.sizes[1]),
            *_extent(x, ctx.edges, pointwise),
        )
        no_filters: list[Tensor | None] = [None] * len(filters)
        return grad_x, None, None, None, grad_pointwise, *(grad_filters or no_filters)


def _extent(x: Tensor, edges: int, pointwise: Tensor) -> tuple[int, ...]:
    """Return the sizes of a pass as supernet.cpp has them."""
    images, height, width = x.shape[:3]
    operators, groups, channels = pointwise.shape[:3]
    sources, each = (groups // edges, edges) if edges else (groups, 1)
    return images, height, width, operators, sources, each, channels, x.stride(2), 0 if edges else groups * channels


class _Pass(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, edges: int, rates: tuple[int, ...], pointwise: Tensor, *filters: Tensor) -> Tensor:
        inputs = _inputs(x, edges, len(rates))
        n, height, width = x.shape[:3]
        y = x.new_empty(n * height * width, len(rates), pointwise.shape[1] * pointwise.shape[2])
        matrices = _in_pairs(pointwise)
        for index, rate in enumerate(rates):
            filtered = _convolve(inputs[index], filters[index], rate)
            _apply_pointwise(as_cells(filtered).view(y.shape[0], -1), matrices[index], y[:, index])
        ctx.edges, ctx.rates = edges, rates
        # For sources, the few channels before they are repeated; for parallel parts, the copies that ReLU made anyway.
        saved = (x,) if edges else tuple(inputs)
        ctx.save_for_backward(pointwise, *filters, *saved)
        return y.view(n, height, width, len(rates), -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        operators = len(ctx.rates)
        pointwise, *rest = ctx.saved_tensors
        filters, saved = rest[:operators], rest[operators:]
        inputs = _inputs(saved[0], ctx.edges, operators) if ctx.edges else saved
        need_x, need_pointwise, need_filters = (ctx.needs_input_grad[place] for place in (0, 3, 4))
        rows = grad.reshape(-1, operators, grad.shape[-1])
        matrices = _in_pairs(pointwise)
        transposed = matrices.transpose(2, 3)
        grad_pointwise = torch.empty_like(matrices) if need_pointwise else None
        grad_inputs, grad_filters = [], []
        for index, rate in enumerate(ctx.rates):
            if grad_pointwise is not None:
                filtered = as_cells(_convolve(inputs[index], filters[index], rate)).view(rows.shape[0], -1)
                _pointwise_gradient(filtered, rows[:, index], grad_pointwise[index])
            grad_filtered = rows.new_empty(rows.shape[0], rows.shape[2])
            _apply_pointwise(rows[:, index], transposed[index], grad_filtered)
            grad_maps = as_maps(grad_filtered.view(*grad.shape[:3], -1))
            if need_filters:
                grad_filters.append(_filter_gradient(inputs[index], filters[index], grad_maps, rate))
            if need_x:
                # For a convolution with the mirrored filter oneDNN has a fast kernel at every rate.
                grad_inputs.append(_convolve(grad_maps, filters[index].flip(2, 3), rate))
        grad_x = _input_gradient(grad_inputs, saved, ctx.edges) if need_x else None
        if grad_pointwise is not None:
            grad_pointwise = _out_of_pairs(grad_pointwise, pointwise)
        return grad_x, None, None, grad_pointwise, *(grad_filters if need_filters else [None] * operators)


def _inputs(x: Tensor, edges: int, operators: int) -> list[Tensor]:
    """Return the rectified input of each operator as maps."""
    if edges == 0:
        return [as_maps(F.relu(part)) for part in x.unbind(3)]
    n, height, width, sources, channels = x.shape
    repeated = F.relu(x)[:, :, :, :, None].expand(n, height, width, sources, edges, channels)
    return [as_maps(repeated.reshape(n, height, width, -1))] * operators


def _input_gradient(grads: list[Tensor], saved: list[Tensor], edges: int) -> Tensor:
    if edges == 0:
        parts = [as_cells(grad * (z > 0)) for grad, z in zip(grads, saved, strict=True)]
        return torch.stack(parts, 3)
    total = grads[0]
    for grad in grads[1:]:
        total += grad
    x = saved[0]
    return as_cells(total).view(*x.shape[:4], edges, x.shape[4]).sum(4).mul_(x > 0)


def _convolve(maps: Tensor, weight: Tensor, rate: int) -> Tensor:
    return F.conv2d(maps, weight, padding=rate * (weight.shape[2] // 2), dilation=rate, groups=maps.shape[1])


def _paired(pointwise: Tensor) -> bool:
    return pointwise.device.type == "cpu" and pointwise.shape[2] <= NARROW and pointwise.shape[1] % 2 == 0


def _in_pairs(pointwise: Tensor) -> Tensor:
    """Join neighbouring narrow matrices into block-diagonal ones: (o, G, C, C) -> (o, G / 2, 2 C, 2 C)."""
    if not _paired(pointwise):
        return pointwise
    operators, groups, channels = pointwise.shape[:3]
    pairs = pointwise.new_zeros(operators, groups // 2, 2, channels, 2, channels)
    pairs.diagonal(dim1=2, dim2=4).copy_(
        pointwise.view(operators, groups // 2, 2, channels, channels).permute(0, 1, 3, 4, 2)
    )
    return pairs.view(operators, groups // 2, 2 * channels, 2 * channels)


def _apply_pointwise(rows: Tensor, pointwise: Tensor, out: Tensor) -> None:
    """Multiply each group of channels by its own matrix: (P, G C), (G, C, C) -> `out` (P, G C), which may be strided.

    The groups may be pairs from `_in_pairs`.
    """
    shape = (rows.shape[0], *pointwise.shape[:2])
    mixed = torch.bmm(_split(rows, shape).transpose(0, 1), pointwise)
    _split(out, shape).copy_(mixed.transpose(0, 1))


def _pointwise_gradient(rows: Tensor, grads: Tensor, out: Tensor) -> None:
    """Write the gradient of `_apply_pointwise` with respect to its matrices into `out` (G, C, C).

    `rows` and `grads` (P, G C) are input and output gradient. For pairs the entries off the blocks are filled as well.
    """
    shape = (rows.shape[0], *out.shape[:2])
    torch.bmm(_split(rows, shape).permute(1, 2, 0), _split(grads, shape).transpose(0, 1), out=out)


def _out_of_pairs(pairs: Tensor, like: Tensor) -> Tensor:
    """Return the blocks of the matrices that `_in_pairs` makes of `like`: the gradient of `_in_pairs`."""
    if not _paired(like):
        return pairs
    operators, groups, channels = like.shape[:3]
    blocks = pairs.view(operators, groups // 2, 2, channels, 2, channels).diagonal(dim1=2, dim2=4)
    return blocks.permute(0, 1, 4, 2, 3).reshape(like.shape)


def _split(rows: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return (P, G C) as a view (P, G, C), whatever the stride of its rows."""
    return rows.as_strided(shape, (rows.stride(0), shape[2], 1))


def _filter_gradient(x: Tensor, weight: Tensor, grad: Tensor, rate: int) -> Tensor:
    """Return the gradient of a depthwise convolution with respect to its filters.

    On a CPU oneDNN is fast for 3x3 filters at rate 1 only. So an atrous convolution is computed as one at rate 1 on
    every rate-th cell, and a 5x5 filter is covered by four 3x3 ones.
    """
    if x.device.type != "cpu":
        return _convolution_filter_gradient(x, grad, weight, rate, rate * (weight.shape[2] // 2))
    if rate > 1:
        x, grad = _phases(x, rate), _phases(grad, rate)
    if weight.shape[2] == 3:
        return _convolution_filter_gradient(x, grad, weight, 1, 1)
    assert weight.shape[2] == 5
    height, width = x.shape[2:]
    padded = as_maps(F.pad(x.permute(0, 2, 3, 1), (0, 0, 2, 2, 2, 2)))
    gradient = torch.empty_like(weight)
    small = weight[:, :, :3, :3].contiguous()
    for i in (0, 2):
        for j in (0, 2):
            window = padded[:, :, i : i + height + 2, j : j + width + 2]
            gradient[:, :, i : i + 3, j : j + 3] = _convolution_filter_gradient(window, grad, small, 1, 0)
    return gradient


def _convolution_filter_gradient(x: Tensor, grad: Tensor, weight: Tensor, rate: int, padding: int) -> Tensor:
    result: tuple[Any, Tensor, Any] = torch.ops.aten.convolution_backward(
        grad, x, weight, None, [1, 1], [padding] * 2, [rate] * 2, False, [0, 0], x.shape[1], [False, True, False]
    )
    return result[1]


def _phases(maps: Tensor, rate: int) -> Tensor:
    """Split maps into images of every rate-th cell, zero-padded: (N, C, H, W) -> (rate^2 N, C, H / rate, W / rate)."""
    cells = maps.permute(0, 2, 3, 1)
    n, height, width, channels = cells.shape
    cells = F.pad(cells, (0, 0, 0, -width % rate, 0, -height % rate))
    cells = cells.view(n, cells.shape[1] // rate, rate, cells.shape[2] // rate, rate, channels)
    return as_maps(cells.permute(2, 4, 0, 1, 3, 5).reshape(rate * rate * n, cells.shape[1], cells.shape[3], channels))
