"""A network in the state of its first training step: forward mode, weights and gradients."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from nas.training.loop.batches import Inputs

Batch: TypeAlias = tuple[Inputs, Tensor]
"""Inputs of the network and labels `(N, h, w)`, on the model's device."""

Criterion: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""A loss: maps logits and labels to a scalar."""

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def at_first_step(model: nn.Module) -> nn.Module:
    """Copy a network so that batch norms use the batch's statistics, as in training, and nothing is random.

    Dropout and drop path are switched off, since they would add noise to a score. Frozen parts stay frozen.
    """
    started = copy.deepcopy(model).train()
    for layer in started.modules():
        if not isinstance(layer, BATCH_NORMS):
            layer.training = False
    return started


def weights(model: nn.Module) -> list[nn.Parameter]:
    """List the trainable filters and matrices of a network, one tensor per layer and each once.

    These are the connections that pruning scores rate. Biases and the parameters of batch norms, which have at most one
    axis, are left out.
    """
    return [parameter for parameter in model.parameters() if parameter.requires_grad and parameter.dim() >= 2]


def loss_gradients(
    model: nn.Module, parameters: list[nn.Parameter], batch: Batch, criterion: Criterion
) -> list[Tensor]:
    """Compute the gradient of the loss on a batch, in the module's present mode.

    Returns:
        One tensor per parameter; zeros where the loss does not depend on the parameter.
    """
    inputs, labels = batch
    with torch.enable_grad():
        return list(torch.autograd.grad(criterion(model(*inputs), labels), parameters, materialize_grads=True))
