"""Gradient norm and SNIP: by hand, against finite differences, and what must not change them."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nas.training.training_free.gradients import grad_norm, snip
from nas.training.training_free.initial import weights
from nas.training.training_free.zico import zico

NO_LABELS = torch.zeros(0)


def half_square(logits, labels):
    return logits.square().sum() / 2


def line(weight, bias):
    """y = weight * x + bias, as a 1x1 convolution."""
    layer = nn.Conv2d(1, 1, 1)
    nn.init.constant_(layer.weight, weight)
    assert layer.bias is not None
    nn.init.constant_(layer.bias, bias)
    return layer


def images(*values: float):
    return torch.tensor(values, dtype=torch.float32).reshape(len(values), 1, 1, 1)


def small_network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 2, 1))


def small_batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(4, 3, 5, 6, generator=generator),), torch.randint(2, (4, 3, 4), generator=generator)


def test_by_hand():
    # y = 3, 7; dL/dw = 3 * 1 + 7 * 3 = 24, dL/db = 3 + 7 = 10.
    batch = ((images(1, 3),), NO_LABELS)
    assert grad_norm(line(2, 1), batch, half_square) == pytest.approx(26)
    assert snip(line(2, 1), batch, half_square) == pytest.approx(48)  # |2 * 24|: a bias is no connection
    assert snip(line(-2, 13), batch, half_square) == pytest.approx(2 * (11 * 1 + 7 * 3))


def test_a_unit_that_is_off_has_no_part():
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(), nn.Conv2d(2, 1, 1, bias=False))
    with torch.no_grad():
        model.get_parameter("0.weight").copy_(torch.tensor([3.0, -1.0]).reshape(2, 1, 1, 1))
        model.get_parameter("2.weight").copy_(torch.tensor([2.0, 5.0]).reshape(1, 2, 1, 1))
    batch = ((images(1),), NO_LABELS)  # hidden 3, 0; y = 6; dL/dy = 6; first layer 6 * 2, second 6 * 3
    assert grad_norm(model, batch, half_square) == pytest.approx(math.hypot(12, 18))
    assert snip(model, batch, half_square) == pytest.approx(3 * 12 + 2 * 18)


def test_against_finite_differences():
    model = small_network().double()
    model[3].p = 0.0
    model.train()
    (inputs,), labels = small_batch()
    batch, step = ((inputs.double(),), labels), 1e-6

    def slope(flat, index) -> float:
        before = float(flat[index])
        losses = []
        for value in (before + step, before - step):
            flat[index] = value
            losses.append(float(F.cross_entropy(model(*batch[0]), labels)))
        flat[index] = before
        return (losses[0] - losses[1]) / (2 * step)

    squares = sensitivity = 0.0
    with torch.no_grad():
        for parameter in model.parameters():
            flat = parameter.view(-1)
            slopes = torch.tensor([slope(flat, index) for index in range(len(flat))])
            squares += float(slopes.square().sum())
            sensitivity += float((slopes * flat).abs().sum()) if parameter.dim() > 1 else 0.0
    assert grad_norm(model, batch, F.cross_entropy) == pytest.approx(math.sqrt(squares), rel=1e-6)
    assert snip(model, batch, F.cross_entropy) == pytest.approx(sensitivity, rel=1e-6)


@pytest.mark.parametrize("proxy", [grad_norm, snip])
def test_both_scale_with_the_loss_and_ignore_the_order_of_images(proxy):
    model, ((inputs,), labels) = small_network(), small_batch()
    plain = proxy(model, ((inputs,), labels), F.cross_entropy)
    assert plain > 0
    tripled = proxy(model, ((inputs,), labels), lambda logits, target: 3 * F.cross_entropy(logits, target))
    assert tripled == pytest.approx(3 * plain, rel=1e-5)
    turned = torch.tensor([2, 0, 3, 1])
    assert proxy(model, ((inputs[turned],), labels[turned]), F.cross_entropy) == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was_and_nothing_is_drawn(training):
    model, batch = small_network().train(training), small_batch()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.get_rng_state()
    with torch.no_grad():  # whatever the caller has switched off
        values = [proxy(model, batch, F.cross_entropy) for proxy in (grad_norm, snip, grad_norm, snip)]
    zico(model, [batch, small_batch(1)], F.cross_entropy)
    assert values[:2] == values[2:]  # dropout is off
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(layer.training is training for layer in model.modules())


def test_batch_statistics_are_the_batchs_own():
    """As in the first training step: running statistics, whatever they are, do not matter."""
    model, batch = small_network(), small_batch()
    plain = snip(model, batch, F.cross_entropy)
    model[1].running_var.fill_(100.0)
    assert snip(model, batch, F.cross_entropy) == plain


def test_frozen_and_shared_weights():
    shared = nn.Conv2d(2, 2, 1)
    model = nn.Sequential(nn.Conv2d(3, 2, 1).requires_grad_(False), nn.BatchNorm2d(2), shared, nn.ReLU(), shared)
    assert weights(model) == [shared.weight]


def test_a_part_without_influence_counts_nothing():
    class Spare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = line(2, 1), line(5, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x)

    batch = ((images(1, 3),), NO_LABELS)
    assert grad_norm(Spare(), batch, half_square) == pytest.approx(26)
    assert snip(Spare(), batch, half_square) == pytest.approx(48)
