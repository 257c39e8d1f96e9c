"""Synaptic flow: no data at all."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from nas.training.backbone.extractor import StandardizedBackbone
from nas.training.training_free.initial import BATCH_NORMS, weights


def synflow(model: nn.Module, shape: tuple[int, int, int]) -> float:
    """The logarithm of the sum over weights of theta * dR/dtheta (Tanaka et al., NeurIPS 2020).

        R = 1^T f(1; |theta|)

    the sum of all outputs for one input of ones, of `shape` (C, H, W), with every parameter replaced by its absolute
    value. For a chain of layers without biases the terms of each layer add up to R, so the score of L layers is
    ln(L R). Always the logarithm: the sum itself grows by a factor with every layer, and ranks are the same. In
    float64. `model` is left as it was. -inf where nothing flows, nan where the sum is negative.

    What could turn positive values negative or cut the flow is made linear: batch norm multiplies by |gamma| and adds
    |beta|, with mean 0 and variance 1 for its statistics (a batch's would have half of all values negative, and would
    divide out the weights that are to be scored); a clipped ReLU is not clipped; a backbone's features are scaled but
    not centred. With attention (softmax over pixels or nodes) R is no longer a sum over paths: a term may be negative
    there, and the value is what the formula gives.
    """
    linear = _positive(model)
    parameters = weights(linear)
    assert parameters, "a network without weights has no flow"
    ones = torch.ones(1, *shape, dtype=torch.float64, device=parameters[0].device)
    with torch.enable_grad():
        gradients = torch.autograd.grad(linear(ones).sum(), parameters, materialize_grads=True)
    flow = sum(
        float((weight.detach() * gradient).sum()) for weight, gradient in zip(parameters, gradients, strict=True)
    )
    if flow == 0:
        return -math.inf
    return math.log(flow) if flow > 0 else math.nan


@torch.no_grad()
def _positive(model: nn.Module) -> nn.Module:
    """A copy in float64, in evaluation mode, that maps positive inputs to positive outputs."""
    linear = copy.deepcopy(model).double().eval()
    for parameter in linear.parameters():
        parameter.abs_()
    for layer in linear.modules():
        if isinstance(layer, BATCH_NORMS):
            layer.reset_running_stats()
            layer.eps = 0.0
        elif isinstance(layer, nn.ReLU6):
            layer.max_val = math.inf
        elif isinstance(layer, StandardizedBackbone):
            layer.mean.zero_()
    return linear
