"""Scores from the gradient of the loss on one batch."""

from __future__ import annotations

import math

from torch import nn

from nas.training.training_free.initial import Batch, Criterion, at_first_step, loss_gradients, weights


def grad_norm(model: nn.Module, batch: Batch, criterion: Criterion) -> float:
    """|| dL/dtheta ||_2 over all trainable parameters (Abdelfattah et al., ICLR 2021).

    The Euclidean norm of the whole gradient, batch norms and biases included; adding up the norms of the layers one by
    one, as is done too, gives another number. `model` is left as it was.
    """
    started = at_first_step(model)
    parameters = [parameter for parameter in started.parameters() if parameter.requires_grad]
    gradients = loss_gradients(started, parameters, batch, criterion)
    return math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients))


def snip(model: nn.Module, batch: Batch, criterion: Criterion) -> float:
    """The sum over weights of |theta * dL/dtheta| (Lee et al., ICLR 2019).

    The paper divides each term by this sum, to compare weights; networks are compared by the sum itself (Abdelfattah
    et al., ICLR 2021). Batch norms and biases are no connections and do not count. `model` is left as it was.
    """
    started = at_first_step(model)
    parameters = weights(started)
    gradients = loss_gradients(started, parameters, batch, criterion)
    pairs = zip(parameters, gradients, strict=True)
    return sum(float((weight.detach().double() * gradient.double()).abs().sum()) for weight, gradient in pairs)
