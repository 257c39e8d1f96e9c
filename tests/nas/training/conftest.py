"""A tiny data set in the Cityscapes layout and a fidelity that trains on it in a second."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nas.data.entry import DatasetEntry
from nas.specs import AugmentSpec, BackboneSpec, Fidelity, HeadSpec, OptimizerSpec, ScheduleSpec
from nas.training.workspace import Workspace

ROAD, SKY, CAR = 7, 23, 26  # label ids
COLOURS = {ROAD: (90, 60, 90), SKY: (70, 130, 180), CAR: (20, 20, 150)}


def write_scene(rng, image: Path, label: Path, size=(64, 128)):
    """Sky over road with one car, noise on all; a strip at the bottom is `ego vehicle`, which is ignored."""
    ids = np.full(size, SKY, np.uint8)
    horizon = int(rng.integers(20, 40))
    ids[horizon:] = ROAD
    top, left = int(rng.integers(horizon, 50)), int(rng.integers(0, 90))
    ids[top : top + 16, left : left + 32] = CAR
    pixels = np.zeros((*size, 3))
    for value, colour in COLOURS.items():
        pixels[ids == value] = colour
    pixels = np.clip(pixels + rng.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
    ids[-3:] = 1
    for path, array in ((image, pixels), (label, ids)):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(0)
    for split, count in (("train", 10), ("val", 5)):
        for index in range(count):
            name = f"town_{index:06d}_000000"
            write_scene(
                rng,
                root / "leftImg8bit" / split / "town" / f"{name}_leftImg8bit.png",
                root / "gtFine" / split / "town" / f"{name}_gtFine_labelIds.png",
            )
    return root


@pytest.fixture(scope="session")
def workspace(tiny_root, tmp_path_factory) -> Workspace:
    """One cache for all tests of the session; a test that needs an empty one makes its own."""
    entry = DatasetEntry(layout="cityscapes", root=tiny_root)
    base = tmp_path_factory.mktemp("work")
    return Workspace({"tiny": entry}, {}, base / "cache", base / "artifacts")


@pytest.fixture(scope="session")
def fidelity() -> Fidelity:
    return Fidelity(
        dataset="tiny",
        backbone=BackboneSpec(width=0.25, blocks=5, output_stride=8, warmup_iterations=12),
        head=HeadSpec(channels=8, dropout=0.1, rate_multiplier=1),
        crop=(64, 128),
        augment=AugmentSpec(scale=(0.8, 1.2)),
        rungs=(8, 20),
        batch=4,
        optimizer=OptimizerSpec(name="adam", learning_rate=5e-3, weight_decay=0.0),
        schedule=ScheduleSpec(warmup=2),
        class_weighting=0.5,
        label_stride=8,
    )


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
