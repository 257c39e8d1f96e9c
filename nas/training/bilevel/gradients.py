"""Gradients of the two levels: first order, unrolled, and the curvature in alpha. Only first derivatives are taken."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

Loss = Callable[[], Tensor]
Parameters = Sequence[nn.Parameter]

UNROLL_STEP = 0.01
"""Epsilon times the norm of the direction (DARTS, Liu et al., ICLR 2019, section 2.3)."""


@contextlib.contextmanager
def held(others: Parameters) -> Iterator[None]:
    """Within, no gradient flows to these: much of a backward pass is saved."""
    for parameter in others:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in others:
            parameter.requires_grad_(True)


def gradients(loss: Loss, wanted: Parameters, others: Parameters) -> tuple[Tensor, list[Tensor]]:
    """The loss (detached) and its gradient in `wanted`; zeros where it does not depend on one."""
    with held(others):
        value = loss()
        found = torch.autograd.grad(value, list(wanted), allow_unused=True)
    pairs = zip(found, wanted, strict=True)
    return value.detach(), [torch.zeros_like(p) if g is None else g for g, p in pairs]


@contextlib.contextmanager
def shifted(parameters: Parameters, direction: Sequence[Tensor], length: float) -> Iterator[None]:
    """Within, the parameters stand at p + length * direction; afterwards bit for bit where they stood."""
    before = [parameter.detach().clone() for parameter in parameters]
    with torch.no_grad():
        for parameter, step in zip(parameters, direction, strict=True):
            parameter.add_(step * length)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)


def unrolled(
    losses: tuple[Loss, Loss],
    weights: Parameters,
    architecture: Parameters,
    *,
    step: Callable[[list[Tensor]], list[Tensor]],
    rate: float,
) -> tuple[Tensor, list[Tensor]]:
    """Loss on B after one step of the weights on A, and its gradient in the architecture (DARTS, equations 7 and 8).

    `losses` are those on A and on B. `step` turns the gradient of the weights into what the optimiser would subtract;
    `rate` is its learning rate. The mixed derivative is a central difference along the gradient on B.
    """
    on_a, on_b = losses
    _, slope = gradients(on_a, weights, architecture)
    with shifted(weights, step(slope), -1.0):
        value, direct = gradients(on_b, architecture, weights)
        _, direction = gradients(on_b, weights, architecture)
    length = UNROLL_STEP / max(_norm(direction), 1e-12)
    with shifted(weights, direction, length):
        _, above = gradients(on_a, architecture, weights)
    with shifted(weights, direction, -length):
        _, below = gradients(on_a, architecture, weights)
    mixed = ((high - low) / (2 * length) for high, low in zip(above, below, strict=True))
    return value, [g - rate * m for g, m in zip(direct, mixed, strict=True)]


def dominant_eigenvalue(loss: Loss, parameters: Parameters, others: Parameters, iterations: int) -> float:
    """Of the Hessian of `loss` in `parameters`, the eigenvalue of largest magnitude (power iteration).

    Products with the Hessian are central differences of gradients.
    """
    generator = torch.Generator().manual_seed(0)
    vector = [torch.randn(p.shape, generator=generator).to(p) for p in parameters]
    value = 0.0
    for _ in range(iterations):
        norm = _norm(vector)
        if norm == 0:
            return 0.0
        unit = [part / norm for part in vector]
        size = max(1.0, _norm(list(parameters)))
        length = size * torch.finfo(parameters[0].dtype).eps ** (1 / 3)
        with shifted(parameters, unit, length):
            _, above = gradients(loss, parameters, others)
        with shifted(parameters, unit, -length):
            _, below = gradients(loss, parameters, others)
        vector = [(high - low) / (2 * length) for high, low in zip(above, below, strict=True)]
        value = float(sum((u * v).double().sum() for u, v in zip(unit, vector, strict=True)))
    return value


def _norm(tensors: Sequence[Tensor]) -> float:
    return math.sqrt(sum(float(tensor.detach().double().square().sum()) for tensor in tensors))
