"""Multiply-adds of a network, counted layer by layer."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from nas.models.depthwise import DepthwiseAtrous


def multiply_adds(module: nn.Module, in_channels: int, size: tuple[int, int]) -> int:
    """Multiply-adds of one forward pass for one map of (in_channels, *size).

    As the field counts: convolutions and linear layers, an output scalar costing the length of the filter it sums
    over; a tap outside the map counts as one inside; and what a module declares by a method `multiply_adds(input
    shape) -> int`. Batch norm, activations, pooling and resizing count nothing. Runs on torch's meta device: no
    arithmetic, and the module is left as it was.
    """
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += _layer_multiply_adds(layer, inputs[0], output)

    shadow = copy.deepcopy(module).to("meta").eval()
    for layer in shadow.modules():
        layer.register_forward_hook(count)
    with torch.no_grad():
        shadow(torch.empty(1, in_channels, *size, device="meta"))
    return total


def _layer_multiply_adds(layer: nn.Module, x: Tensor, output: Any) -> int:
    if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
        return int(output.numel()) * layer.in_channels // layer.groups * math.prod(layer.kernel_size)
    if isinstance(layer, DepthwiseAtrous):
        return int(output.numel()) * 9
    if isinstance(layer, nn.Linear):
        return int(output.numel()) * layer.in_features
    declared = getattr(layer, "multiply_adds", None)
    return 0 if declared is None else int(declared(x.shape))
