"""Batch normalisation in the supernet: without affine parameters in cells during the search (DARTS, section A.1.1)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.layers.conv import BN_EPS, BN_MOMENTUM

_frozen = threading.local()


@contextlib.contextmanager
def frozen_statistics() -> Iterator[None]:
    """Keep running statistics unchanged inside the context, for forward passes that are no step of the training."""
    before = getattr(_frozen, "on", False)
    _frozen.on = True
    try:
        yield
    finally:
        _frozen.on = before


def _momentum() -> float:
    return 0.0 if getattr(_frozen, "on", False) else BN_MOMENTUM


class AffineNormalise(nn.BatchNorm2d):
    """Batch norm with scale and shift; heeds `frozen_statistics` and accepts a single value, as `Normalise` does."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=BN_EPS, momentum=BN_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        batch = self.training and x.numel() > x.shape[1]
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, batch, _momentum(), BN_EPS)


class Normalise(nn.Module):
    """Normalises (N, C, H, W) per channel by the batch's statistics in training, otherwise by the running ones.

    A single value per channel (one image, one cell) has no deviation and is normalised by the running statistics.
    """

    mean: Tensor
    variance: Tensor
    zero: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("zero", torch.zeros(channels), persistent=False)

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        """Normalise and multiply by `scale` (C,), so that the operators' weights cost no operation of their own."""
        batch = self.training and x.numel() > x.shape[1]
        shift = None if scale is None else self.zero
        return F.batch_norm(x, self.mean, self.variance, scale, shift, batch, _momentum(), BN_EPS)

    def extra_repr(self) -> str:
        return str(len(self.mean))
