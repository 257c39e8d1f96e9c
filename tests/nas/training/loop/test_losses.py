import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.training.loop.losses import RAREST, SegmentationLoss, class_weights


def log_softmax_at(logits, c):
    return logits[c] - math.log(sum(math.exp(v) for v in logits))


def test_weighted_mean_by_hand():
    # Three cells of two classes: labels 0, 1 and ignored.
    logits = torch.tensor([[2.0, 0.5, 9.0], [1.0, -0.5, -9.0]]).reshape(1, 2, 1, 3)
    labels = torch.tensor([[[0, 1, 255]]], dtype=torch.uint8)
    loss = SegmentationLoss(torch.tensor([1.0, 3.0]))(logits, labels)
    expected = (1.0 * -log_softmax_at([2.0, 1.0], 0) + 3.0 * -log_softmax_at([0.5, -0.5], 1)) / 4.0
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_a_batch_without_labels_has_loss_zero_and_no_gradient():
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = SegmentationLoss(torch.ones(3))(logits, torch.full((2, 4, 4), 255, dtype=torch.uint8))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_agrees_with_torchs_weighted_mean():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 6, 7, generator=generator)
    labels = torch.randint(0, 5, (2, 6, 7), generator=generator)
    labels[0, :2] = 255
    weights = torch.rand(5, generator=generator) + 0.1
    expected = torch.nn.functional.cross_entropy(logits, labels, weights, ignore_index=255)
    assert SegmentationLoss(weights)(logits, labels.byte()).item() == pytest.approx(expected.item(), rel=1e-5)


def test_finer_labels_get_resized_logits():
    logits = torch.zeros(1, 2, 3, 3)
    logits[:, 1] = 1.0  # constant: resizing must not change it
    labels = torch.ones(1, 24, 24, dtype=torch.uint8)
    loss = SegmentationLoss(torch.ones(2))(logits, labels)
    assert loss.item() == pytest.approx(-log_softmax_at([0.0, 1.0], 1), rel=1e-5)


def test_class_weights_by_hand():
    assert class_weights([25, 75, 0], 0.5).tolist() == pytest.approx([2.0, 0.75**-0.5, 100.0])
    assert class_weights([25, 75, 0], 0.0).tolist() == [1.0, 1.0, 1.0]
    assert class_weights([1, 3], 1.0).tolist() == pytest.approx([4.0, 4 / 3])
    assert class_weights([0, 0], 0.0).tolist() == [1.0, 1.0]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=255), st.floats(0, 1))
def test_every_class_has_a_weight_and_rarer_ones_have_no_smaller_one(pixels, exponent):
    weights = class_weights(pixels, exponent)
    assert bool((weights >= 1 - 1e-6).all())
    assert bool((weights <= RAREST**-exponent * (1 + 1e-5)).all())
    by_frequency = [weight for _, weight in sorted(zip(pixels, weights.tolist(), strict=True))]
    assert all(rare >= frequent or rare == pytest.approx(frequent) for rare, frequent in pairwise(by_frequency))
