"""Counting parameters, and which of them weight decay touches."""

from __future__ import annotations

from typing import Any

from torch import nn

from nas.models.layers.depthwise import DepthwiseAtrous


def count_parameters(module: nn.Module) -> int:
    """Trainable scalars; batch norm's weight and bias count, its running statistics do not."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def is_depthwise(module: nn.Module) -> bool:
    """A convolution whose every filter reads one channel (of several)."""
    if isinstance(module, DepthwiseAtrous):
        return True
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups for a torch optimiser: with `weight_decay`, and without. Frozen parameters stand in neither.

    As TensorFlow DeepLab: decay on the weights of convolutions and linear layers, none on depthwise weights, batch
    norm and biases, nor on anything that is no layer's weight. A parameter shared by two layers stands once.
    """
    decayed = {
        id(layer.weight)
        for layer in module.modules()
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Linear)) and not is_depthwise(layer)
    }
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in parameters if id(p) in decayed], "weight_decay": weight_decay},
        {"params": [p for p in parameters if id(p) not in decayed], "weight_decay": 0.0},
    ]
