import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.training.loop.metrics import confusion_matrix, scores


def test_by_hand():
    labels = torch.tensor([[0, 0, 0, 1], [1, 1, 2, 255]], dtype=torch.uint8)
    predictions = torch.tensor([[0, 0, 1, 1], [1, 0, 3, 2]])
    confusion = confusion_matrix(labels, predictions, 5)
    assert confusion.tolist() == [
        [2, 1, 0, 0, 0],
        [1, 2, 0, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    result = scores(confusion)
    # Class 3 is predicted and never occurs: 0, and not in the mean. Class 4 neither: None.
    assert result.class_iou == (pytest.approx(2 / 4), pytest.approx(2 / 4), 0.0, 0.0, None)
    assert result.miou == pytest.approx((0.5 + 0.5 + 0.0) / 3)


def test_nothing_labelled_scores_zero():
    result = scores(confusion_matrix(torch.full((4,), 255), torch.zeros(4), 2))
    assert result == (0.0, (None, None))


def test_perfect_is_exactly_one():
    labels = torch.arange(7).repeat(3)
    assert scores(confusion_matrix(labels, labels, 7)).miou == 1.0


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_agrees_with_torchmetrics(classes, seed):
    from torchmetrics.functional.classification import multiclass_confusion_matrix, multiclass_jaccard_index

    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (3, 5, 5), generator=generator)
    labels[torch.rand(3, 5, 5, generator=generator) < 0.2] = 255
    predictions = torch.randint(0, classes, (3, 5, 5), generator=generator)
    if not (labels != 255).any():
        return
    confusion = confusion_matrix(labels.byte(), predictions, classes)
    assert torch.equal(confusion, multiclass_confusion_matrix(predictions, labels, classes, ignore_index=255))
    theirs = multiclass_jaccard_index(predictions, labels, classes, average="none", ignore_index=255)
    ours = scores(confusion)
    for own, their in zip(ours.class_iou, theirs.tolist(), strict=True):
        assert (own or 0.0) == pytest.approx(their)
    occurring = [c for c in range(classes) if (labels == c).any()]
    assert ours.miou == pytest.approx(theirs[occurring].mean().item())
