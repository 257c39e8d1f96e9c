"""Degenerate labels end a preparation before anything is trained, and unusual ones are reported."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.dataset import DatasetError
from nas.data.entry import DatasetEntry
from nas.specs import AutoDeepLabSpec
from nas.training.bilevel import search
from nas.training.prepare import prepare
from nas.training.workspace import Workspace

ROAD, SKY, CAR = 7, 23, 26


def street(root: Path, train: np.ndarray, val: np.ndarray) -> Workspace:
    """Two images of each split in the Cityscapes layout, all of a split with the same label map."""
    for split, label in (("train", train), ("val", val)):
        for index in range(2):
            for folder, suffix, content in (
                ("leftImg8bit", "leftImg8bit", np.full((*label.shape, 3), 9)),
                ("gtFine", "gtFine_labelIds", label),
            ):
                path = root / "data" / folder / split / "town" / f"town_{index}_{suffix}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(content.astype(np.uint8)).save(path)
    return Workspace(
        {"tiny": DatasetEntry(layout="cityscapes", root=root / "data")}, {}, root / "cache", root / "artifacts"
    )


def labels(*bands: int) -> np.ndarray:
    """A label map of 64x128 with equal horizontal bands of these label ids."""
    return np.repeat(bands, 64 // len(bands))[:, None] * np.ones((1, 128), np.uint8)


GOOD = labels(SKY, ROAD, CAR, CAR)

DEGENERATE = {
    "one class in training": (labels(ROAD), GOOD, "the training labels in crops of 64x128 .* 'road' alone"),
    "one class in validation": (GOOD, labels(SKY, 0), "the validation labels .* 'sky' alone and up to 50% .* void"),
    "void validation": (GOOD, labels(0), "every pixel of the validation labels in crops of 64x128 .* is void"),
    "void training": (labels(0, 1), GOOD, "every pixel of the training labels"),
    "training ids": (labels(0, 8, 10, 10), labels(0, 13, 10, 10), r"seem to hold training ids \(0 to 18\)"),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("whole_network", [False, True])
def test_degenerate_labels_end_the_preparation_before_the_warm_up(fidelity, tmp_path, case, whole_network):
    train, val, message = DEGENERATE[case]
    stages = set()
    with pytest.raises(DatasetError, match=f"data set tiny: .*{message}"):
        prepare(
            fidelity,
            street(tmp_path, train, val),
            whole_network=whole_network,
            device="cpu",
            progress=lambda stage, *_: stages.add(stage),
        )
    assert stages - {"files"} == {"labels"}
    assert not (tmp_path / "cache" / "backbones").exists()


def test_what_the_crop_leaves_out_does_not_count(fidelity, tmp_path):
    workspace = street(tmp_path, GOOD, labels(CAR, ROAD, ROAD, CAR))  # the cars are above and below the middle
    cropped = fidelity.model_copy(update={"crop": (32, 128)})
    with pytest.raises(DatasetError, match=r"validation labels in crops of 32x128 pixels hold the class 'road' alone"):
        prepare(cropped, workspace, whole_network=True, device="cpu")
    prepare(fidelity, workspace, whole_network=True, device="cpu")


def test_warnings_are_logged_for_whoever_watches(fidelity, tmp_path, caplog):
    workspace = street(tmp_path, labels(SKY, ROAD), GOOD)
    with caplog.at_level(logging.WARNING):
        prepare(fidelity, workspace, whole_network=True, device="cpu")
        assert caplog.messages == []
        for _ in range(2):  # also where the counts are cached
            caplog.clear()
            prepare(fidelity, workspace, whole_network=True, device="cpu", progress=lambda *_: None)
            assert [message for message in caplog.messages if "car occurs in the validation labels" in message]


def test_a_differentiable_search_refuses_them_too(tmp_path, caplog):
    spec = AutoDeepLabSpec.model_validate(
        {
            "name": "x",
            "bilevel": {"dataset": "tiny", "crop": [64, 128], "epochs": 1, "architecture_from_epoch": 0},
        }
    )
    with pytest.raises(DatasetError, match=r"data set tiny: the training labels .* 'road' alone"):
        search(spec, 0, workspace=street(tmp_path / "a", labels(ROAD), GOOD), device="cpu")
    with caplog.at_level(logging.WARNING):
        search(spec, 0, workspace=street(tmp_path / "b", labels(SKY, ROAD), labels(ROAD, CAR)), device="cpu")
    assert "car occurs in the validation labels" in caplog.text
