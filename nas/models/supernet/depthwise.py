"""Depthwise convolution of any odd kernel and rate, with a backward pass that a CPU does quickly."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def depthwise(x: Tensor, weight: Tensor, rate: int) -> Tensor:
    """Each channel with its own k x k filter, taps `rate` cells apart, zeros outside: (N, C, H, W) -> the same.

    `weight` is (C, 1, k, k). Channels-last memory is quick.
    """
    if x.device.type == "cpu":
        y: Tensor = _Depthwise.apply(x, weight, rate)  # type: ignore[no-untyped-call]  # torch has no types here
        return y
    return _convolve(x, weight, rate)


def _convolve(x: Tensor, weight: Tensor, rate: int) -> Tensor:
    return F.conv2d(x, weight, padding=rate * (weight.shape[2] // 2), dilation=rate, groups=x.shape[1])


class _Depthwise(torch.autograd.Function):
    """The gradient of the input is a convolution with the mirrored filter: oneDNN has a quick kernel for that
    direction at every rate, and none for the other.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rate: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.rate = rate
        return _convolve(x, weight, rate)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        need_x, need_weight, _ = ctx.needs_input_grad
        grad_x = _convolve(grad, weight.flip(2, 3), ctx.rate) if need_x else None
        return grad_x, _grad_weight(x, weight, grad, ctx.rate) if need_weight else None, None


def _grad_weight(x: Tensor, weight: Tensor, grad: Tensor, rate: int) -> Tensor:
    padding = [rate * (weight.shape[2] // 2)] * 2
    needs = [False, True, False]
    gradients = torch.ops.aten.convolution_backward(
        grad, x, weight, None, [1, 1], padding, [rate, rate], False, [0, 0], x.shape[1], needs
    )
    result: Tensor = gradients[1]
    return result
