"""Conversions between maps and sequences of pixels, and the projections that all units share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def to_pixels(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, HW, C), a view where `x` is channels-last."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def to_map(pixels: Tensor, like: Tensor) -> Tensor:
    """(N, HW, C) -> (N, C, H, W) with height and width of `like`, a view in channels-last order."""
    return pixels.reshape(pixels.shape[0], like.shape[2], like.shape[3], -1).permute(0, 3, 1, 2)


def pointwise(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Conv2d:
    """Build a 1x1 convolution with Xavier uniform weights and a zero bias."""
    conv = nn.Conv2d(in_channels, out_channels, 1, bias=bias)
    nn.init.xavier_uniform_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def linear(in_features: int, out_features: int) -> nn.Linear:
    """Build a linear layer without bias, with Xavier uniform weights."""
    layer = nn.Linear(in_features, out_features, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return layer


def at_least_float32(x: Tensor) -> Tensor:
    """Return `x`, converted to float32 if its dtype is narrower."""
    return x.float() if x.dtype.itemsize < 4 else x


@contextmanager
def no_autocast(x: Tensor) -> Iterator[None]:
    """Disable autocast for the device of `x` inside the context."""
    device = x.device.type
    # Autocast is not available on the meta device, on which only sizes are computed. Where it is off already the
    # context is left out, which would make a graph of its own in an exported one.
    if not (torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)):
        yield
        return
    with torch.autocast(x.device.type, enabled=False):
        yield
