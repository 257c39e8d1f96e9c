"""Number of trainable parameters, and which of them weight decay applies to."""

from __future__ import annotations

from typing import Any

from torch import nn

from nas.models.layers.depthwise import DepthwiseAtrous


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable scalars, with batch norm's weight and bias, without the running statistics."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def is_depthwise(module: nn.Module) -> bool:
    """Return whether `module` is a convolution of several channels in which every filter reads one channel."""
    if isinstance(module, DepthwiseAtrous):
        return True
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the two parameter groups of a torch optimiser, with weight decay and without, frozen parameters left out.

    As in TensorFlow DeepLab, weight decay applies to the weights of convolutions and linear layers, not to depthwise
    weights, batch norm, biases or parameters outside of such layers. A parameter shared by two layers appears once.
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
