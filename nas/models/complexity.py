"""Size and multiply-adds of a network, counted by torch."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

_ELEMENTWISE = (nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.ReLU6)
"""They change no shape and count nothing, but are slow on the meta device, where torch decomposes them in Python."""


class Complexity(NamedTuple):
    """Trainable parameters of a module, and the multiply-adds of one forward pass for one input."""

    parameters: int
    multiply_adds: int


def multiply_adds(module: nn.Module, in_channels: int, size: tuple[int, int]) -> int:
    """Multiply-adds of one forward pass for one map of (in_channels, *size).

    As the field counts: the products of convolutions, of linear layers and of matrices, an output scalar costing the
    length of the sum behind it; a tap outside the map counts as one inside. Batch norm, activations, pooling and
    resizing count nothing.

    Runs on torch's meta device: no arithmetic, and the module, which may be on any device, is left as it was.
    """
    shadow = _shadow(module).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(torch.empty(1, in_channels, *size, device="meta"))
    operations: int = counter.get_total_flops()  # a multiplication and an addition each
    return operations // 2


def _shadow(module: nn.Module) -> nn.Module:
    """A copy on the meta device without its batch norms and activations.

    What is found in deepcopy's memo is taken as copied already, so that no weight is read.
    """
    memo: dict[int, Any] = {id(tensor): tensor.to("meta") for tensor in (*module.parameters(), *module.buffers())}
    memo |= {id(layer): nn.Identity() for layer in module.modules() if isinstance(layer, _ELEMENTWISE)}
    return copy.deepcopy(module, memo)
