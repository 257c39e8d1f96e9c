"""Synaptic flow (SynFlow), a score that reads no data."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas.models.complexity import Shape
from nas.training.backbone.extractor import StandardizedBackbone
from nas.training.training_free.initial import BATCH_NORMS, weights


def synflow(model: nn.Module, shapes: Sequence[Shape]) -> float:
    """Compute the logarithm of the sum over all weights of theta * dR/dtheta, in float64.

        R = 1^T f(1; |theta|)

    is the sum of all outputs for inputs of ones, with every parameter replaced by its absolute value. For a chain of
    layers without biases the terms of each layer add up to R, so the score of L layers is ln(L R). The logarithm is
    taken because the sum grows by a factor with every layer; ranks are the same.

    Layers that could turn positive values negative or cut the flow are made linear. Batch norm multiplies by |gamma|
    and adds |beta|, with mean 0 and variance 1 as its statistics (with the statistics of a batch, half of all values
    would be negative, and the weights that are to be scored would be divided out). Group norm multiplies and adds the
    same, without statistics. A clipped ReLU is not clipped. The features of a backbone are scaled but not centred. With
    attention (softmax over pixels or nodes) R is no longer a sum over paths: a term may be negative there, and the
    value is what the formula gives.

    Args:
        model: Freshly initialised; it is left as it was.
        shapes: Of each map that the model is called with.

    Returns:
        The logarithm; -inf where the sum is 0, nan where the sum is negative.

    Source:
        Tanaka et al., Pruning neural networks without any data, NeurIPS 2020.
    """
    linear = _positive(model)
    parameters = weights(linear)
    assert parameters, "a network without weights has no flow"
    ones = [torch.ones(1, *shape, dtype=torch.float64, device=parameters[0].device) for shape in shapes]
    with torch.enable_grad():
        gradients = torch.autograd.grad(linear(*ones).sum(), parameters, materialize_grads=True)
    flow = sum(
        float((weight.detach() * gradient).sum()) for weight, gradient in zip(parameters, gradients, strict=True)
    )
    if flow == 0:
        return -math.inf
    return math.log(flow) if flow > 0 else math.nan


@torch.no_grad()
def _positive(model: nn.Module) -> nn.Module:
    """Copy a network in float64 and evaluation mode so that it maps positive inputs to positive outputs."""
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
    _linear_group_norms(linear)
    return linear


class _Affine(nn.Module):
    """Scale and shift of each channel: what remains of a group norm without its statistics."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None] + self.bias[:, None, None]


def _linear_group_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            module.add_module(name, _Affine(child))
        else:
            _linear_group_norms(child)
