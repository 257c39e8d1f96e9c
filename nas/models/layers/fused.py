"""Convolutions of a head together with the batch norm and ReLU behind them, by native kernels, while it is trained.

Batch norm and ReLU read and write each map several times where they stand alone. In one function a map is normalised
and rectified while it lies in the cache, and less is kept for the backward pass: the maps before each batch norm. Only
layers that are trained, with the statistics of their batch, are fused.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nas.models.layers.native import Kernels, kernels_for


def fused_pointwise(x: Tensor, conv: nn.Conv2d, norm: nn.Module) -> Tensor | None:
    """Apply a 1x1 convolution, batch norm over the batch, and ReLU: (N, in, H, W) -> (N, out, H, W).

    Returns:
        The map, or `None` where no native kernel serves: torch's own operators have to.
    """
    if conv.kernel_size != (1, 1) or conv.stride != (1, 1) or conv.bias is not None or not _serves(norm, x):
        return None
    kernels = kernels_for("heads", x, conv.weight)
    if kernels is None:
        return None
    assert isinstance(norm, nn.BatchNorm2d)
    y: Tensor = _Pointwise.apply(x, conv.weight.contiguous(), norm.weight, norm.bias, norm, kernels)  # type: ignore[no-untyped-call]  # torch's
    return y


def fused_separable(  # noqa: PLR0917  what a separable convolution is made of
    x: Tensor, depthwise: Tensor, rate: tuple[int, int], inner: nn.Module, conv: nn.Conv2d, outer: nn.Module
) -> Tensor | None:
    """Apply an atrous depthwise 3x3 convolution and a 1x1 convolution, each with batch norm over the batch and ReLU.

    Args:
        x: (N, C, H, W).
        depthwise: Filters (C, 1, 3, 3).
        rate: Vertical and horizontal atrous rate.
        inner: Batch norm behind the depthwise convolution.
        conv: The 1x1 convolution, without bias.
        outer: Batch norm behind it.

    Returns:
        (N, out, H, W), or `None` where no native kernel serves.
    """
    if not (_serves(inner, x) and _serves(outer, x)):
        return None
    kernels = kernels_for("heads", x, depthwise, conv.weight)
    if kernels is None:
        return None
    assert isinstance(inner, nn.BatchNorm2d)
    assert isinstance(outer, nn.BatchNorm2d)
    parameters = (depthwise.contiguous(), inner.weight, inner.bias, conv.weight.contiguous(), outer.weight, outer.bias)
    y: Tensor = _Separable.apply(x, *parameters, rate, inner, outer, kernels)  # type: ignore[no-untyped-call]  # torch's
    return y


def _serves(norm: nn.Module, x: Tensor) -> bool:
    """Return whether a batch norm is one over the batch as the kernels compute it."""
    return (
        type(norm) is nn.BatchNorm2d
        and norm.training
        and norm.track_running_stats
        and norm.affine
        and norm.momentum is not None
        and norm.weight.dtype is x.dtype
        and x.shape[0] * x.shape[2] * x.shape[3] > 1  # a single value has no deviation, which torch refuses
    )


def _counted(norm: nn.BatchNorm2d) -> tuple[float, float]:
    """Count a batch; return the norm's momentum and epsilon."""
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.num_batches_tracked.add_(1)
    return norm.momentum, norm.eps


def _rows(x: Tensor) -> tuple[Tensor, int]:
    """Return a map (N, C, H, W) whose cells follow each other in memory, and the entries from one cell to the next.

    Some channels of a channels-last map are taken as they are; another memory layout is copied.
    """
    _, c, height, width = x.shape
    cell = x.stride(3)
    even = x.stride() == (cell * width * height, 1, cell * width, cell)
    if even and cell >= c:
        return x, cell
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), c


def _maps(x: Tensor, channels: int) -> Tensor:
    """Make an uninitialised channels-last map (N, channels, H, W) of the size of `x`."""
    n, _, height, width = x.shape
    return x.new_empty((n, height, width, channels)).permute(0, 3, 1, 2)


class _Pointwise(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917  the arguments of autograd's functions go by position
        ctx: Any, x: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, norm: nn.BatchNorm2d, kernels: Kernels
    ) -> Tensor:
        outputs, inputs = weight.shape[:2]
        x, stride = _rows(x)
        y, out, saved = _maps(x, outputs), _maps(x, outputs), x.new_empty(2 * outputs)
        kernels.run(
            "pointwise_forward",
            x.dtype,
            *(x, weight, y, out),
            *(scale, shift, norm.running_mean, norm.running_var, saved),
            *(x.shape[0] * x.shape[2] * x.shape[3], inputs, stride, outputs),
            *_counted(norm),
        )
        ctx.save_for_backward(x, weight, scale, shift, y, saved)
        ctx.kernels = kernels
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scale, shift, y, saved = ctx.saved_tensors
        outputs, inputs = weight.shape[:2]
        x, stride = _rows(x)
        slope, slope_stride = _rows(slope)
        x_slope = _maps(x, inputs) if ctx.needs_input_grad[0] else None
        weight_slope, norm_slopes = torch.empty_like(weight), x.new_empty(2, outputs)
        ctx.kernels.run(
            "pointwise_backward",
            x.dtype,
            *(x, weight, y, slope),
            *(scale, shift, saved),
            *(x_slope, weight_slope, norm_slopes),
            *(x.shape[0] * x.shape[2] * x.shape[3], inputs, stride, outputs, slope_stride),
        )
        return x_slope, weight_slope, *norm_slopes, None, None


class _Separable(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917  likewise
        ctx: Any,
        x: Tensor,
        depthwise: Tensor,
        inner_scale: Tensor,
        inner_shift: Tensor,
        pointwise: Tensor,
        outer_scale: Tensor,
        outer_shift: Tensor,
        rate: tuple[int, int],
        inner: nn.BatchNorm2d,
        outer: nn.BatchNorm2d,
        kernels: Kernels,
    ) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        n, channels, height, width = x.shape
        outputs = pointwise.shape[0]
        y, z, out = torch.empty_like(x), _maps(x, outputs), _maps(x, outputs)
        saved = x.new_empty(2 * (channels + outputs))
        kernels.run(
            "separable_forward",
            x.dtype,
            *(x, depthwise, pointwise, y, z, out),
            *(inner_scale, inner_shift, inner.running_mean, inner.running_var),
            *(outer_scale, outer_shift, outer.running_mean, outer.running_var),
            saved,
            *(n, height, width, channels, outputs, *rate),
            *(*_counted(inner), *_counted(outer)),
        )
        ctx.save_for_backward(x, depthwise, pointwise, y, z, inner_scale, inner_shift, outer_scale, outer_shift, saved)
        ctx.rate, ctx.kernels = rate, kernels
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, depthwise, pointwise, y, z, *norms = ctx.saved_tensors
        n, channels, height, width = x.shape
        outputs = pointwise.shape[0]
        slope, slope_stride = _rows(slope)
        y_slope = torch.empty_like(x)
        x_slope = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        depthwise_slope, pointwise_slope = torch.empty_like(depthwise), torch.empty_like(pointwise)
        norm_slopes = x.new_empty(2 * (channels + outputs))
        ctx.kernels.run(
            "separable_backward",
            x.dtype,
            *(x, depthwise, pointwise, y, z, slope),
            *norms,
            *(y_slope, x_slope, depthwise_slope, pointwise_slope, norm_slopes),
            *(n, height, width, channels, outputs, *ctx.rate, slope_stride),
        )
        inner_scale, inner_shift, outer_scale, outer_shift = norm_slopes.split([channels] * 2 + [outputs] * 2)
        slopes = (x_slope, depthwise_slope, inner_scale, inner_shift, pointwise_slope, outer_scale, outer_shift)
        return *slopes, None, None, None, None
