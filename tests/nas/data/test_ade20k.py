from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.ade20k import CLASS_NAMES, open_ade20k
from nas.data.dataset import DatasetError
from nas.data.entry import DatasetEntry
from nas.data.registry import open_dataset


def write(root: Path, folder: str, stem: str, label: np.ndarray) -> None:
    images, labels = root / "images" / folder, root / "annotations" / folder
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(label.shape, 90, np.uint8)).save(images / f"{stem}.jpg")  # a grey JPEG, as some are
    Image.fromarray(label).save(labels / f"{stem}.png")


def small(root: Path) -> Path:
    write(root, "training", "ADE_train_00000002", np.array([[0, 1], [2, 150]], np.uint8))
    write(root, "training", "ADE_train_00000001", np.array([[3, 3]], np.uint8))
    write(root, "validation", "ADE_val_00000001", np.array([[151, 255]], np.uint8))
    return root


def test_zero_is_ignored_and_the_rest_moves_down(tmp_path):
    dataset = open_dataset(DatasetEntry(layout="ade20k", root=small(tmp_path)))
    assert [item.image.stem[-1] for item in dataset.split("train").items] == ["1", "2"]
    image, label = dataset.split("train").load(1)
    assert label.tolist() == [[255, 0], [1, 149]]
    assert image.shape == (2, 2, 3)
    with pytest.raises(DatasetError, match=r"label values \[151, 255\]"):
        dataset.split("val").load(0)


def test_names_and_palette(tmp_path):
    dataset = open_ade20k(small(tmp_path))
    assert dataset.num_classes == 150
    assert len(set(CLASS_NAMES)) == 150
    assert [CLASS_NAMES[i] for i in (0, 12, 80, 149)] == ["wall", "person", "bus", "flag"]
    assert len({tuple(colour) for colour in dataset.palette.tolist()}) == 150
    assert dataset.palette[0].tolist() == [128, 0, 0]


def test_names_from_the_data_set_itself(tmp_path):
    info = small(tmp_path) / "objectInfo150.txt"
    rows = [f"{i}\t0.1\t10\t1\tthing {i}, synonym " for i in range(1, 151)]
    info.write_text("\n".join(["Idx\tRatio\tTrain\tVal\tName", *rows]) + "\n")
    assert open_ade20k(tmp_path).class_names[149] == "thing 150"
    info.write_text("\n".join(rows[:3]))
    with pytest.raises(DatasetError, match="must have a header and 150 named rows, not 2"):
        open_ade20k(tmp_path)


def test_missing_label_is_named(tmp_path):
    gone = small(tmp_path) / "annotations/training/ADE_train_00000002.png"
    gone.unlink()
    with pytest.raises(DatasetError, match=str(gone)):
        open_ade20k(tmp_path)


def test_empty_folder_is_named(tmp_path):
    root = small(tmp_path)
    for file in (root / "images/validation").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match=r"there is no image in .*images/validation"):
        open_ade20k(root)
