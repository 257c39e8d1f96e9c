"""Parts of the split share no image; batches follow from (seed, part, step) alone."""

from contextlib import closing
from itertools import islice

import numpy as np
import pytest
import torch

from nas.specs import AugmentSpec, BilevelSpec
from nas.training.bilevel.split import A, B, ImageStore, PartBatches, split_training_images


@pytest.mark.parametrize("images", [2, 3, 10, 2975])
def test_parts_are_disjoint_and_complete(images):
    a, b = split_training_images(images, 7)
    assert len(a) + len(b) == images
    assert 0 <= len(a) - len(b) <= 1
    assert sorted([*a, *b]) == list(range(images))


def test_parts_follow_from_the_seed():
    assert np.array_equal(split_training_images(50, 1)[0], split_training_images(50, 1)[0])
    assert not np.array_equal(split_training_images(50, 1)[0], split_training_images(50, 2)[0])


def stream(workspace, part, seed=3):
    spec = BilevelSpec(dataset="tiny", crop=(33, 49), augment=AugmentSpec(scale=(0.8, 1.2)), batch=2)
    split = workspace.dataset("tiny").split("train")
    store = ImageStore(split)
    rows = split_training_images(len(split), seed)[part]
    return PartBatches(store, rows, part=part, spec=spec, seed=seed, device=torch.device("cpu")), store, rows


def test_a_stream_can_start_at_any_step(workspace):
    batches, _, _ = stream(workspace, A)
    with closing(batches.steps(0)) as from_start, closing(stream(workspace, A)[0].steps(4)) as from_four:
        for (images, labels), (later, later_labels) in zip(islice(from_start, 4, 7), from_four, strict=False):
            assert images.shape == (2, 3, 33, 49)
            assert torch.equal(images, later)
            assert torch.equal(labels, later_labels)


def test_a_part_reads_its_own_images_once(workspace, monkeypatch):
    batches, store, rows = stream(workspace, B)
    with closing(batches.steps(0)) as steps:
        list(islice(steps, 12))
    assert set(store._cached) == set(rows.tolist())
    first = store.load(int(rows[0]))
    assert store.load(int(rows[0])) is first
