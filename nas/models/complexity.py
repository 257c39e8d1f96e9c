"""Size and multiply-adds of a network, counted by torch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

_ELEMENTWISE = (nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.ReLU6)
"""Layers that keep the shape and count nothing, but are slow on the meta device (torch decomposes them in Python)."""


Shape: TypeAlias = tuple[int, int, int]
"""Channels, height and width of a map."""


class Complexity(NamedTuple):
    """Trainable parameters of a module, and the multiply-adds of one forward pass for one input."""

    parameters: int
    multiply_adds: int


def multiply_adds(module: nn.Module, shapes: Sequence[Shape]) -> int:
    """Count the multiply-adds of one forward pass of one image or its feature maps.

    Convolutions, linear layers and matrix products count as is usual in the field: an output scalar costs as many
    multiply-adds as its sum has terms, and a filter tap outside the map costs as much as one inside. Batch norm,
    activations, pooling and resizing count nothing. The count runs on torch's meta device, without arithmetic.

    Args:
        module: On any device; left unchanged.
        shapes: Of each map that the module is called with.
    """
    shadow = _shadow(module).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(*(torch.empty(1, *shape, device="meta") for shape in shapes))
    operations: int = counter.get_total_flops()  # a multiplication and an addition each
    return operations // 2


def _shadow(module: nn.Module) -> nn.Module:
    """Return a copy on the meta device without batch norms and activations.

    deepcopy treats every object in its memo as copied already, so no weight is read.
    """
    memo: dict[int, Any] = {id(tensor): tensor.to("meta") for tensor in (*module.parameters(), *module.buffers())}
    memo |= {id(layer): nn.Identity() for layer in module.modules() if isinstance(layer, _ELEMENTWISE)}
    return copy.deepcopy(module, memo)
