"""ZiCo: large gradients that stay the same from batch to batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas.training.training_free.initial import Batch, Criterion, at_first_step, loss_gradients, weights


def zico(model: nn.Module, batches: Sequence[Batch], criterion: Criterion) -> float:
    """The sum over layers of ln( sum over weights w of E|dL/dw| / sqrt(Var|dL/dw|) ) (Li et al., ICLR 2023).

    Mean and variance (not corrected, as in the authors' code) run over the batches, at the initial weights. Both are of
    the absolute value, as in the paper's formula; the authors' code takes the deviation of the signed gradient, which
    is the larger one wherever the sign changes. A layer is one tensor of weights. As in their code, a weight whose
    gradient does not vary at all is left out, and so is a layer of which nothing is left. Batch norms and biases do not
    count. `model` is left as it was.
    ValueError with fewer than two batches; -inf where no layer is left.
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
    kept = [math.log(value) for layer in layers if (value := layer.steadiness()) != 0]
    return math.fsum(kept) if kept else -math.inf


class _Moments:
    """Mean and variance of |gradient| of each weight, batch after batch, in float64.

    By Welford's update: a difference of squares would lose small variances.
    """

    def __init__(self, weight: Tensor) -> None:
        self._count = 0
        self._mean = torch.zeros_like(weight, dtype=torch.float64, requires_grad=False)
        self._squares = torch.zeros_like(self._mean)

    def add(self, gradient: Tensor) -> None:
        """One more batch."""
        self._count += 1
        size = gradient.double().abs()
        before = size - self._mean
        self._mean += before / self._count
        self._squares += before * (size - self._mean)

    def steadiness(self) -> float:
        """Sum of mean / deviation over the weights that vary; nan if a gradient was not finite."""
        varies = self._squares != 0
        return float((self._mean[varies] / (self._squares[varies] / self._count).sqrt()).sum())
