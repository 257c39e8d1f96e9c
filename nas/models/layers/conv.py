"""Convolution, batch norm and ReLU as every head uses them, with the initial values of TensorFlow DeepLab."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nas.models.layers.fused import fused_pointwise
from nas.models.layers.tracing import is_exporting
from nas.specs import network

LOGITS_STD = 0.01
"""Standard deviation of the initial logit weights (TensorFlow DeepLab); biases start at zero."""

BN_EPS = 1e-5
"""Epsilon of every head's batch norm (TensorFlow DeepLab)."""

BN_MOMENTUM = network.BN_MOMENTUM
"""Weight of the newest batch in the running statistics of batch norm, unless a spec names another."""

ONEDNN_BLOCK = 8
"""Channels in one block of oneDNN's AVX2 kernels."""


def init_truncated_normal(weight: Tensor, std: float) -> None:
    """Fill `weight` in place from a normal distribution truncated at two standard deviations, as TensorFlow does."""
    nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


def batch_norm(channels: int, momentum: float = BN_MOMENTUM) -> nn.BatchNorm2d:
    """Build the batch norm of the heads: epsilon `BN_EPS`, `momentum` the weight of the newest batch."""
    return nn.BatchNorm2d(channels, eps=BN_EPS, momentum=momentum)


def set_bn_momentum(module: nn.Module, momentum: float) -> None:
    """Set the weight of the newest batch in the running statistics of every batch norm of a module."""
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            layer.momentum = momentum


class Pointwise(nn.Conv2d):
    """1x1 convolution without bias whose stride does not run into a bug of oneDNN on CPUs.

    (N, in, H, W) -> (N, out, H / stride, W / stride), sizes rounded up. Below 8 channels oneDNN's AVX2 kernel for the
    backward pass of a strided 1x1 convolution writes past its buffer and corrupts the heap (torch 2.13, channels-last
    maps, seen on CPUs without AVX-512). There the input is subsampled first, which is the same convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        vertical, horizontal = self.stride
        small = vertical * horizontal > 1 and self.in_channels < ONEDNN_BLOCK
        if small and x.device.type == "cpu" and not is_exporting():
            return F.conv2d(x[:, :, ::vertical, ::horizontal], self.weight)
        return super().forward(x)


class ConvBNReLU(nn.Module):
    """Convolution without bias ('SAME' padding), batch norm, ReLU: (N, in, H, W) -> (N, out, H, W).

    Initial weights are Xavier uniform, as those of slim.conv2d; with `std` they are a truncated normal.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        rate: int = 1,
        *,
        bn_momentum: float = BN_MOMENTUM,
        std: float | None = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, padding=rate * (kernel // 2), dilation=rate, bias=False
        )
        self.bn = batch_norm(out_channels, bn_momentum)
        if std is None:
            nn.init.xavier_uniform_(self.conv.weight)
        else:
            init_truncated_normal(self.conv.weight, std)

    def forward(self, x: Tensor) -> Tensor:
        y = fused_pointwise(x, self.conv, self.bn)
        return F.relu(self.bn(self.conv(x)), inplace=True) if y is None else y


def build_logits(channels: int, num_classes: int) -> nn.Conv2d:
    """Build the logits: a biased 1x1 convolution from `channels` to `num_classes`.

    Raises:
        ValueError: `num_classes` is below 1.
    """
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, not {num_classes}")
    logits = nn.Conv2d(channels, num_classes, 1)
    init_truncated_normal(logits.weight, LOGITS_STD)
    assert logits.bias is not None
    nn.init.zeros_(logits.bias)
    return logits
