"""ZiCo: by hand, against numpy over stored gradients, and its invariants."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nas.training.training_free.zico import zico


def total(logits, labels):
    return logits.sum()


def sums(*rows: list[float]):
    """Batches of one image of one cell: with the sum as the loss, a 1x1 layer's gradient is the batch itself."""
    return [((torch.tensor(row).reshape(1, len(row), 1, 1),), torch.zeros(0)) for row in rows]


def one_layer(channels):
    return nn.Conv2d(channels, 1, 1, bias=False)


def test_by_hand():
    # |gradient| 1 and 3: mean 2, deviation 1.
    assert zico(one_layer(1), sums([1.0], [-3.0]), total) == pytest.approx(math.log(2))
    # A second weight with 2 and 6: mean 4, deviation 2.
    assert zico(one_layer(2), sums([1.0, 2.0], [3.0, 6.0]), total) == pytest.approx(math.log(2 + 2))
    # Over three batches 1, 2, 6: mean 3, variance (4 + 1 + 9) / 3.
    assert zico(one_layer(1), sums([1.0], [2.0], [6.0]), total) == pytest.approx(math.log(3 / math.sqrt(14 / 3)))


def test_a_weight_whose_gradient_does_not_vary_is_left_out():
    assert zico(one_layer(2), sums([1.0, 5.0], [3.0, -5.0]), total) == pytest.approx(math.log(2))
    assert zico(one_layer(1), sums([2.0], [-2.0]), total) == -math.inf


def test_layers_add_up():
    one, other = one_layer(1), one_layer(1)
    nn.init.constant_(one.weight, 2.0)
    nn.init.constant_(other.weight, 5.0)
    # Both layers' gradients are multiples of the input, 1 and 3: ln 2 each.
    assert zico(nn.Sequential(one, other), sums([1.0], [3.0]), total) == pytest.approx(2 * math.log(2))


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 2, 1))


def batches(count):
    generator = torch.Generator().manual_seed(1)
    return [
        ((torch.randn(4, 3, 5, 6, generator=generator),), torch.randint(2, (4, 3, 4), generator=generator))
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [2, 5])
def test_against_gradients_kept_whole(count):
    model = network()
    model[3].eval()
    gradients: dict[int, list[np.ndarray]] = {0: [], 4: []}
    expected = 0.0
    for (inputs,), labels in batches(count):
        model.zero_grad()
        F.cross_entropy(model(inputs), labels).backward()
        for position, kept in gradients.items():
            kept.append(model[position].weight.grad.double().abs().numpy())
    for kept in gradients.values():
        expected += math.log((np.mean(kept, 0) / np.std(kept, 0)).sum())
    assert zico(network(), batches(count), F.cross_entropy) == pytest.approx(expected, rel=1e-6)


def test_neither_the_scale_of_the_loss_nor_the_order_of_batches_matters():
    plain = zico(network(), batches(4), F.cross_entropy)
    scaled = zico(network(), batches(4), lambda logits, labels: 8 * F.cross_entropy(logits, labels))
    assert scaled == pytest.approx(plain, rel=1e-9)
    assert zico(network(), batches(4)[::-1], F.cross_entropy) == pytest.approx(plain, rel=1e-9)


def test_one_batch_shows_no_variance():
    with pytest.raises(ValueError, match="at least 2 batches"):
        zico(network(), batches(1), F.cross_entropy)


def test_a_gradient_that_is_not_finite_is_not_hidden():
    assert math.isnan(zico(one_layer(1), sums([1.0], [math.inf]), total))
