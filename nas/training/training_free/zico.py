"""ZiCo: a score that is high where gradients are large and vary little from batch to batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas.training.training_free.initial import Batch, Criterion, at_first_step, loss_gradients, weights


def zico(model: nn.Module, batches: Sequence[Batch], criterion: Criterion) -> float:
    """Compute the sum over layers of ln( sum over weights w of E|dL/dw| / sqrt(Var|dL/dw|) ).

    Mean and variance (without Bessel's correction, as in the authors' code) run over the batches, at the initial
    weights. Both are of the absolute value, as in the paper's formula; the authors' code uses the deviation of the
    signed gradient, which is larger wherever the sign changes. A layer is one tensor of weights. As in the authors'
    code, a weight whose gradient does not vary is left out, and so is a layer without any other weights. Batch norms
    and biases are left out.

    Args:
        model: Freshly initialised, on the device of the batches; it is left as it was.
        batches: At least two, of inputs and labels.
        criterion: The loss L.

    Returns:
        The sum; -inf where no layer is left.

    Raises:
        ValueError: There are fewer than two batches.

    Source:
        Li et al., ZiCo: Zero-shot NAS via inverse coefficient of variation on gradients, ICLR 2023.
    """
    if len(batches) < 2:
        raise ValueError(f"ZiCo needs at least 2 batches to see gradients vary, not {len(batches)}")
    started = at_first_step(model)
    parameters = weights(started)
    layers = [_Moments(parameter) for parameter in parameters]
    for batch in batches:
        gradients = loss_gradients(started, parameters, batch, criterion)
        for layer, gradient in zip(layers, gradients, strict=True):
            layer.add(gradient)
    terms = [math.log(value) for layer in layers if (value := layer.inverse_variation()) != 0]
    return math.fsum(terms) if terms else -math.inf


class _Moments:
    """Running mean and variance of |gradient| of each weight of a layer, in float64.

    Updated by Welford's method: a difference of squares would lose small variances.
    """

    def __init__(self, weight: Tensor) -> None:
        self._count = 0
        self._mean = torch.zeros_like(weight, dtype=torch.float64, requires_grad=False)
        self._squares = torch.zeros_like(self._mean)

    def add(self, gradient: Tensor) -> None:
        self._count += 1
        size = gradient.double().abs()
        before = size - self._mean
        self._mean += before / self._count
        self._squares += before * (size - self._mean)

    def inverse_variation(self) -> float:
        """Sum mean / deviation over the weights whose gradients vary; nan if a gradient was not finite."""
        varies = self._squares != 0
        return float((self._mean[varies] / (self._squares[varies] / self._count).sqrt()).sum())
