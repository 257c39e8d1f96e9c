import numpy as np
import pytest
import torch

from nas.data.crops import CropSource, sample_labels
from nas.specs import AugmentSpec
from nas.training.loop.images import ImageBatches, ImageStream


@pytest.fixture
def split(workspace):
    return workspace.dataset("tiny").split("train")


def stream(split, seed=0):
    return ImageStream(split, 7, (32, 64), AugmentSpec(), 3, seed)


def test_a_step_does_not_depend_on_where_reading_began(split):
    whole = list(stream(split).steps(0, 6))
    later = list(stream(split).steps(4, 6))
    assert len(whole) == 6
    assert len(later) == 2
    for one, other in zip(whole[4:], later, strict=True):
        assert np.array_equal(one[0], other[0])
        assert np.array_equal(one[1], other[1])
    assert whole[0][0].shape == (3, 32, 64, 3)
    assert list(stream(split).steps(5, 5)) == []


def test_draws_of_the_same_image_are_augmented_anew(split):
    one_image = ImageStream(split, 1, (32, 64), AugmentSpec(), 2, 0)
    ((images, _),) = one_image.steps(0, 1)
    assert not np.array_equal(images[0], images[1])


def test_seeds_differ(split):
    (first,), (second,) = stream(split, 0).steps(0, 1), stream(split, 1).steps(0, 1)
    assert not np.array_equal(first[0], second[0])


def test_batches_are_normalised_and_labels_sampled(split):
    validation = CropSource(split, 5, (64, 128))
    batches = ImageBatches(stream(split), validation, 8, torch.device("cpu"))
    (images,), labels = next(iter(batches.training(0, 1)))
    assert images.shape == (3, 3, 32, 64)
    assert labels.shape == (3, 4, 8)
    assert abs(float(images.mean())) < 3
    shapes = [tuple(labels.shape) for _, labels in batches.validation()]
    assert shapes == [(5, 8, 16)]
    _, first = split.load(0)
    assert np.array_equal(next(iter(batches.validation()))[1][0].numpy(), sample_labels(first[None], 8)[0])
