import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.specs import LossSpec
from nas.training.loop.losses import SegmentationLoss
from nas.training.loop.training_loss import TrainingLoss, dice_loss, dice_sums

VOID = 255


def batch(seed, classes=5):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, classes, 6, 7, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, classes - 1, (2, 6, 7), generator=generator).byte()  # the last class never occurs
    labels[0, :2] = VOID
    return logits, labels, torch.rand(classes, generator=generator) + 0.1


def test_focal_by_hand():
    # Two classes; probabilities 3/4 and 1/2 of the labels 0 and 1, weights 1 and 3, one pixel ignored.
    logits = torch.tensor([[math.log(3), 0.0, 9.0], [0.0, 0.0, -9.0]]).reshape(1, 2, 1, 3)
    labels = torch.tensor([[[0, 1, VOID]]], dtype=torch.uint8)
    loss = TrainingLoss(LossSpec(name="focal", gamma=2), torch.tensor([1.0, 3.0]))(logits, labels)
    expected = (1 * (1 / 4) ** 2 * -math.log(3 / 4) + 3 * (1 / 2) ** 2 * -math.log(1 / 2)) / (1 + 3)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_focal_with_gamma_zero_is_cross_entropy():
    logits, labels, weights = batch(0)
    focal = TrainingLoss(LossSpec(name="focal", gamma=0), weights)(logits, labels)
    assert focal.item() == pytest.approx(SegmentationLoss(weights)(logits, labels).item(), rel=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_gradient_of_focal_is_finite_where_a_label_is_certain(gamma):
    logits = torch.tensor([[200.0, -200.0], [0.0, 0.0]]).reshape(1, 2, 1, 2).requires_grad_()
    loss = TrainingLoss(LossSpec(name="focal", gamma=gamma), torch.ones(2))(logits, torch.zeros(1, 1, 2))
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert loss.item() == pytest.approx(100.0)  # nothing of the first pixel; 200 of the second, whose p is 0


def test_dice_by_hand():
    # Pixels with labels 0, 0, 1 and p(0) = 3/4, 1/2, 1/4; class 2 has p = 0 and does not occur; one pixel ignored.
    probability = torch.tensor([[3 / 4, 1 / 2, 1 / 4, 0.1], [1 / 4, 1 / 2, 3 / 4, 0.1], [0.0, 0.0, 0.0, 0.8]])
    labels = torch.tensor([[[0, 0, 1, VOID]]], dtype=torch.uint8)
    sums = dice_sums(probability.log().reshape(1, 3, 1, 4), labels)
    assert sums.tolist() == [pytest.approx(row) for row in ([5 / 4, 3 / 4, 0], [3 / 2, 3 / 2, 0], [2, 1, 0])]
    of_0, of_1 = 2 * (5 / 4) / (3 / 2 + 2), 2 * (3 / 4) / (3 / 2 + 1)
    assert dice_loss(sums).item() == pytest.approx(1 - (of_0 + of_1) / 2)


@given(st.integers(0, 10**6))
def test_dice_against_a_loop_over_pixels(seed):
    logits, labels, _ = batch(seed)
    losses = []
    for c in sorted(set(labels.flatten().tolist()) - {VOID}):
        overlap = predicted = occurring = 0.0
        for n, y, x in [(n, y, x) for n in range(2) for y in range(6) for x in range(7)]:
            if labels[n, y, x] != VOID:
                values = [math.exp(v) for v in logits[n, :, y, x].tolist()]
                p = values[c] / sum(values)
                predicted += p
                overlap += p if labels[n, y, x] == c else 0
                occurring += 1 if labels[n, y, x] == c else 0
        losses.append(1 - 2 * overlap / (predicted + occurring))
    assert dice_loss(dice_sums(logits, labels)).item() == pytest.approx(sum(losses) / len(losses), rel=1e-9)


def test_dice_is_added_with_its_weight():
    logits, labels, weights = batch(1)
    parts = SegmentationLoss(weights)(logits, labels) + 0.5 * dice_loss(dice_sums(logits, labels))
    assert TrainingLoss(LossSpec(dice=0.5), weights)(logits, labels).item() == pytest.approx(parts.item())


@pytest.mark.parametrize("spec", [LossSpec(), LossSpec(name="focal"), LossSpec(dice=1)])
def test_a_batch_without_labels_has_loss_zero_and_no_gradient(spec):
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = TrainingLoss(spec, torch.ones(3))(logits, torch.full((2, 4, 4), VOID, dtype=torch.uint8))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_the_default_is_the_cross_entropy_to_the_last_bit():
    logits, labels, weights = batch(2)
    logits = logits.float()
    assert torch.equal(TrainingLoss(LossSpec(), weights)(logits, labels), SegmentationLoss(weights)(logits, labels))
