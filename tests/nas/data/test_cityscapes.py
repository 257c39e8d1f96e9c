from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.cityscapes import CLASS_NAMES, LABELS, PALETTE, TRAIN_TO_LABEL_ID, open_cityscapes
from nas.data.dataset import DatasetError
from nas.data.entry import DatasetEntry
from nas.data.registry import open_dataset


def write_pair(root: Path, where: str, name: str, label: np.ndarray, suffix: str = "labelIds") -> None:
    images, labels = root / "leftImg8bit" / where, root / "gtFine" / where
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    image = np.arange(label.size * 3, dtype=np.uint8).reshape(*label.shape, 3)
    Image.fromarray(image).save(images / f"{name}_leftImg8bit.png")
    Image.fromarray(label).save(labels / f"{name}_gtFine_{suffix}.png")


def small(root: Path) -> Path:
    every = np.array([[*range(17)], [*range(17, 34)]], np.uint8)
    write_pair(root, "train/ulm", "ulm_0_0", every)
    write_pair(root, "train/aachen", "aachen_0_1", np.full((2, 3), 255, np.uint8))
    write_pair(root, "val/bonn", "bonn_0_0", np.full((2, 3), 7, np.uint8))
    return root


def test_every_label_id_becomes_its_official_train_id(tmp_path):
    dataset = open_dataset(DatasetEntry(layout="cityscapes", root=small(tmp_path)))
    image, label = dataset.split("train").load(1)
    # cityscapesscripts/helpers/labels.py, column trainId, ids 0..33
    expected = [255] * 7 + [0, 1, 255, 255, 2, 3, 4, 255, 255, 255, 5, 255, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    expected += [255, 255, 16, 17, 18]
    assert label.reshape(-1).tolist() == expected
    assert image.shape == (2, 17, 3)
    assert image.dtype == label.dtype == np.uint8
    assert image.flags.writeable
    assert image[0, 1].tolist() == [3, 4, 5]


def test_license_plate_is_ignored(tmp_path):
    _, label = open_cityscapes(small(tmp_path)).split("train").load(0)
    assert (label == 255).all()


def test_names_palette_and_ids_belong_together():
    assert len(LABELS) == 34
    assert len(CLASS_NAMES) == 19
    assert CLASS_NAMES[0] == "road"
    assert CLASS_NAMES[18] == "bicycle"
    assert PALETTE[0].tolist() == [128, 64, 128]
    assert PALETTE[13].tolist() == [0, 0, 142]
    assert [LABELS[i][0] for i in TRAIN_TO_LABEL_ID] == list(CLASS_NAMES)


def test_splits_are_listed_in_order_and_test_is_not_one(tmp_path):
    dataset = open_cityscapes(small(tmp_path))
    assert [item.image.parent.name for item in dataset.split("train").items] == ["aachen", "ulm"]
    assert len(dataset.split("val")) == 1
    assert dataset.appearance is None
    assert dataset.appearance_classes == 0
    with pytest.raises(DatasetError, match=r"no split 'test', only train, val"):
        dataset.split("test")


def test_missing_label_is_named_when_listing(tmp_path):
    small(tmp_path)
    gone = tmp_path / "gtFine/train/ulm/ulm_0_0_gtFine_labelIds.png"
    gone.unlink()
    with pytest.raises(DatasetError, match=str(gone)):
        open_cityscapes(tmp_path)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(DatasetError, match="leftImg8bit/train"):
        open_cityscapes(tmp_path)
    with pytest.raises(DatasetError, match="nowhere of the cityscapes data set does not exist"):
        open_dataset(DatasetEntry(layout="cityscapes", root=tmp_path / "nowhere"))


def test_unknown_label_id_is_named(tmp_path):
    small(tmp_path)
    write_pair(tmp_path, "val/bonn", "bonn_0_0", np.array([[7, 34], [90, 7]], np.uint8))
    with pytest.raises(DatasetError, match=r"bonn_0_0_gtFine_labelIds.png: label values \[34, 90\]"):
        open_cityscapes(tmp_path).split("val").load(0)


def test_broken_files_are_found_on_load(tmp_path):
    small(tmp_path)
    label = tmp_path / "gtFine/val/bonn/bonn_0_0_gtFine_labelIds.png"
    split = open_cityscapes(tmp_path).split("val")
    whole = label.read_bytes()
    for broken, reason in ((whole[:40], "unreadable"), (b"no image", "unreadable"), (b"", "unreadable")):
        label.write_bytes(broken)
        with pytest.raises(DatasetError, match=f"bonn_0_0_gtFine_labelIds.png is {reason}"):
            split.load(0)
    Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(label)
    with pytest.raises(DatasetError, match="must be 8-bit with one channel"):
        split.load(0)
    Image.fromarray(np.zeros((4, 3), np.uint8)).save(label)
    with pytest.raises(DatasetError, match=r"is 4x3 but its image bonn_0_0_leftImg8bit.png is 2x3"):
        split.load(0)
    label.unlink()
    with pytest.raises(DatasetError, match=r"label map .* is missing"):
        split.load(0)
    split.items[0].image.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"image .* is unreadable"):
        split.load(0)


def test_key_follows_content_not_place(tmp_path):
    first, second = small(tmp_path / "a"), small(tmp_path / "b")
    key = open_cityscapes(first).key
    assert key == open_cityscapes(second).key
    assert len(key) == 64
    label = first / "gtFine/val/bonn/bonn_0_0_gtFine_labelIds.png"
    size = label.stat().st_size
    Image.fromarray(np.full((2, 3), 8, np.uint8)).save(label)
    assert label.stat().st_size == size  # the same size, another class
    assert open_cityscapes(first).key != key
    image = second / "leftImg8bit/val/bonn/bonn_0_0_leftImg8bit.png"
    image.rename(image.with_name("bonn_0_1_leftImg8bit.png"))
    (second / "gtFine/val/bonn/bonn_0_0_gtFine_labelIds.png").rename(
        second / "gtFine/val/bonn/bonn_0_1_gtFine_labelIds.png"
    )
    assert open_cityscapes(second).key != key


def test_appearance_split_of_scenes(tmp_path):
    small(tmp_path)
    write_pair(tmp_path, "warmup/scenes", "s_0", np.array([[0, 1], [255, 0]], np.uint8), "appearanceIds")
    plain = open_cityscapes(tmp_path)
    assert plain.appearance is None
    (tmp_path / "scenes.json").write_text(json.dumps({"appearance": ["a", "b"]}))
    dataset = open_cityscapes(tmp_path)
    split = dataset.appearance
    assert split is not None
    assert dataset.appearance_classes == 2
    assert split.load(0)[1].tolist() == [[0, 1], [255, 0]]
    assert dataset.key != plain.key
    (tmp_path / "scenes.json").write_text("{")
    with pytest.raises(DatasetError, match=r"scenes.json is not the description"):
        open_cityscapes(tmp_path)
    (tmp_path / "scenes.json").write_text('{"appearance": "abc"}')
    with pytest.raises(DatasetError, match="must be a list"):
        open_cityscapes(tmp_path)
