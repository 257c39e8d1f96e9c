"""A network as its first training step would find it, and what of it counts as weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

Batch: TypeAlias = tuple[Tensor, Tensor]
"""Inputs (N, C, H, W) and labels (N, h, w), on the model's device."""

Criterion: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Logits and labels -> a scalar."""

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def at_first_step(model: nn.Module) -> nn.Module:
    """A copy whose batch norms use the batch's statistics, as in training; nothing in it is random.

    Dropout and dropped paths stay off: they would make a score a matter of luck. Frozen parts stay as they are.
    """
    started = copy.deepcopy(model).train()
    for layer in started.modules():
        if not isinstance(layer, BATCH_NORMS):
            layer.training = False
    return started


def weights(model: nn.Module) -> list[nn.Parameter]:
    """Trainable filters and matrices, each once; no biases and nothing of batch norms (one axis or none).

    These are the connections that pruning scores weigh, one tensor a layer.
    """
    return [parameter for parameter in model.parameters() if parameter.requires_grad and parameter.dim() >= 2]


def loss_gradients(
    model: nn.Module, parameters: list[nn.Parameter], batch: Batch, criterion: Criterion
) -> list[Tensor]:
    """Gradient of the loss on a batch, zeros for parameters that it does not depend on; `model` is run as it is."""
    inputs, labels = batch
    with torch.enable_grad():
        return list(torch.autograd.grad(criterion(model(inputs), labels), parameters, materialize_grads=True))
