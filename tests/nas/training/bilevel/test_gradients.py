"""Second order and curvature against hand-made quadratics."""

import pytest
import torch
from torch import nn

from nas.training.bilevel.gradients import dominant_eigenvalue, gradients, unrolled


def make(*shape: int, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_gradients_hold_the_others_and_let_them_go():
    w, a = nn.Parameter(make(3, seed=0)), nn.Parameter(make(3, seed=1))
    value, (slope,) = gradients(lambda: w @ a, [w], [a])
    assert torch.equal(slope, a.detach())
    assert float(value) == pytest.approx(float((w @ a).detach()))
    assert a.requires_grad
    assert w.grad is None


def test_unrolled_is_the_derivative_through_one_step():
    """L_A = |M w - N a|^2 / 2 and L_B = |w - t|^2 / 2 + c a: the derivative by autograd through the step."""
    m, n, t, c = make(4, 3, seed=0), make(4, 2, seed=1), make(3, seed=2), make(2, seed=3)
    w, a = nn.Parameter(make(3, seed=4)), nn.Parameter(make(2, seed=5))
    rate = 0.05

    def on_a(weights=w, arch=a) -> torch.Tensor:
        return (m @ weights - n @ arch).square().sum() / 2

    def on_b(weights=w, arch=a) -> torch.Tensor:
        return (weights - t).square().sum() / 2 + (c * arch).sum()

    (slope,) = torch.autograd.grad(on_a(), [w], create_graph=True)
    looked_ahead = on_b(w - rate * slope)
    (wanted,) = torch.autograd.grad(looked_ahead, [a])
    before = w.detach().clone()
    value, (found,) = unrolled((on_a, on_b), [w], [a], step=lambda slopes: [rate * part for part in slopes], rate=rate)
    assert float(value) == pytest.approx(float(looked_ahead.detach()))
    assert torch.allclose(found, wanted, rtol=1e-7)
    assert torch.equal(w, before)
    assert not torch.allclose(found, c), "the first-order part alone is another number"


@pytest.mark.parametrize("diagonal", [(1.0, 3.0, 2.0), (1.0, -5.0, 2.0), (0.0, 0.0, 0.0)])
def test_dominant_eigenvalue_of_a_known_hessian(diagonal):
    turn, _ = torch.linalg.qr(make(3, 3, seed=1))
    hessian = turn @ torch.diag(torch.tensor(diagonal, dtype=torch.float64)) @ turn.t()
    a = nn.Parameter(make(3, seed=2))
    before = a.detach().clone()
    value = dominant_eigenvalue(lambda: a @ hessian @ a / 2, [a], [], 60)
    assert value == pytest.approx(max(diagonal, key=abs), abs=1e-5)
    assert torch.equal(a, before)
