"""Size and multiply-adds of a network, counted layer by layer."""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nas.models.layers.depthwise import DepthwiseAtrous

_ELEMENTWISE = (nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.ReLU6)
"""They change no shape and count nothing, but are slow on the meta device, where torch decomposes them in Python."""


class Complexity(NamedTuple):
    """Trainable parameters of a module, and the multiply-adds of one forward pass for one input."""

    parameters: int
    multiply_adds: int


def multiply_adds(module: nn.Module, in_channels: int, size: tuple[int, int]) -> int:
    """Multiply-adds of one forward pass for one map of (in_channels, *size).

    As the field counts: convolutions and linear layers, an output scalar costing the length of the filter it sums
    over; a tap outside the map counts as one inside; and what a module declares by a method `multiply_adds(input
    shape) -> int`. Batch norm, activations, pooling and resizing count nothing. Runs on torch's meta device: no
    arithmetic, and the module, which may be on any device, is left as it was.
    """
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += _layer_multiply_adds(layer, inputs[0], output)

    shadow = _shadow(module).eval()
    for layer in shadow.modules():
        layer.register_forward_hook(count)
    with torch.no_grad():
        shadow(torch.empty(1, in_channels, *size, device="meta"))
    return total


def _shadow(module: nn.Module) -> nn.Module:
    """A copy on the meta device without its batch norms and activations.

    What is found in deepcopy's memo is taken as copied already, so that no weight is read.
    """
    memo: dict[int, Any] = {id(tensor): tensor.to("meta") for tensor in (*module.parameters(), *module.buffers())}
    memo |= {id(layer): nn.Identity() for layer in module.modules() if isinstance(layer, _ELEMENTWISE)}
    return copy.deepcopy(module, memo)


def _layer_multiply_adds(layer: nn.Module, x: Tensor, output: Any) -> int:
    if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
        return int(output.numel()) * layer.in_channels // layer.groups * math.prod(layer.kernel_size)
    if isinstance(layer, DepthwiseAtrous):
        return int(output.numel()) * 9
    if isinstance(layer, nn.Linear):
        return int(output.numel()) * layer.in_features
    declared = getattr(layer, "multiply_adds", None)
    return 0 if declared is None else int(declared(x.shape))
