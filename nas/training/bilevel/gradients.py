"""Gradients of the two-level optimisation: first order, unrolled, and curvature; all from first derivatives alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

Loss = Callable[[], Tensor]
Parameters = Sequence[nn.Parameter]

UNROLL_STEP = 0.01
"""Epsilon of the finite difference times the norm of its direction (DARTS, Liu et al., ICLR 2019, section 2.3)."""


@contextlib.contextmanager
def without_gradient(parameters: Parameters) -> Iterator[None]:
    """Within the context no gradient flows to the parameters, which saves much of a backward pass."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def gradients(loss: Loss, parameters: Parameters, others: Parameters) -> tuple[Tensor, list[Tensor]]:
    """Compute a loss and its gradient in some of the parameters.

    Args:
        loss: Runs the forward pass.
        parameters: Where the gradient is computed.
        others: All other trainable parameters; none of their gradients is computed.

    Returns:
        The detached loss, and one gradient per parameter: zeros where the loss does not depend on the parameter.
    """
    with without_gradient(others):
        value = loss()
        slopes = torch.autograd.grad(value, list(parameters), allow_unused=True)
    pairs = zip(slopes, parameters, strict=True)
    return value.detach(), [torch.zeros_like(p) if g is None else g for g, p in pairs]


@contextlib.contextmanager
def shifted(parameters: Parameters, direction: Sequence[Tensor], length: float) -> Iterator[None]:
    """Within the context the parameters are p + length * direction; their values p are then restored bit for bit."""
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
    """Compute the loss on a batch of part B after one step of the weights on part A, and the loss's gradient in alpha.

    The mixed derivative is a central difference along the gradient on B.

    Args:
        losses: The loss on a batch of part A, and the loss on a batch of part B.
        weights: The weights of the supernet.
        architecture: The architecture parameters (alpha and beta).
        step: Maps the gradient in the weights to what the optimiser of the weights would subtract.
        rate: Learning rate of the weights.

    Returns:
        The detached loss on B, and one gradient per architecture parameter.

    Source:
        Liu et al., DARTS, ICLR 2019, equations 7 and 8.
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
    """Estimate the eigenvalue of largest magnitude of the Hessian of a loss, by power iteration.

    Products with the Hessian are central differences of gradients.

    Args:
        loss: Runs the forward pass.
        parameters: The Hessian is that of the loss in these parameters.
        others: All other trainable parameters.
        iterations: Of the power iteration.
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
