from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data.dataset import DatasetError, voc_palette
from nas.data.entry import DatasetEntry
from nas.data.registry import open_dataset
from nas.data.voc2012 import CLASS_NAMES, open_voc2012


def write(base: Path, stem: str, label: np.ndarray, folder: str = "SegmentationClass", palette: bool = True) -> None:
    for name in ("JPEGImages", folder, "ImageSets/Segmentation"):
        (base / name).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*label.shape, 3), 90, np.uint8)).save(base / "JPEGImages" / f"{stem}.jpg")
    image = Image.fromarray(label)
    if palette:
        image.putpalette(voc_palette(256).tobytes())
    image.save(base / folder / f"{stem}.png")


def small(base: Path) -> Path:
    write(base, "2007_000001", np.array([[0, 5], [20, 255]], np.uint8))
    write(base, "2007_000002", np.array([[1, 1], [2, 3]], np.uint8))
    lists = base / "ImageSets" / "Segmentation"
    (lists / "train.txt").write_text("2007_000001\n")
    (lists / "val.txt").write_text("2007_000002\n\n")
    return base


@pytest.mark.parametrize("inside", ["", "VOC2012", "VOCdevkit/VOC2012"])
def test_palette_indices_are_classes(tmp_path, inside):
    small(tmp_path / inside)
    dataset = open_dataset(DatasetEntry(layout="voc2012", root=tmp_path))
    image, label = dataset.split("train").load(0)
    assert label.tolist() == [[0, 5], [20, 255]]
    assert image.shape == (2, 2, 3)
    assert dataset.num_classes == 21
    assert dataset.class_names[15] == "person"
    assert dataset.palette[15].tolist() == [192, 128, 128]
    assert dataset.palette[20].tolist() == [0, 64, 128]
    assert len({tuple(colour) for colour in dataset.palette.tolist()}) == 21


def test_augmented_list_replaces_training_split(tmp_path):
    base = small(tmp_path)
    write(base, "2008_000003", np.array([[0, 8], [8, 255]], np.uint8), "SegmentationClassAug", palette=False)
    aug = base / "ImageSets/Segmentation/train_aug.txt"
    aug.write_text("/JPEGImages/2008_000003.jpg /SegmentationClassAug/2008_000003.png\n")
    dataset = open_voc2012(base)
    assert [item.label.parent.name for item in dataset.split("train").items] == ["SegmentationClassAug"]
    assert dataset.split("train").load(0)[1].tolist() == [[0, 8], [8, 255]]
    assert dataset.split("val").items[0].label.parent.name == "SegmentationClass"
    aug.rename(aug.with_name("trainaug.txt")).write_text("2008_000003\n")
    assert open_voc2012(base).key == dataset.key
    (base / "SegmentationClassAug").rename(base / "elsewhere")
    assert open_voc2012(base).split("train").items[0].image.stem == "2007_000001"


def test_an_image_in_both_splits_is_refused(tmp_path):
    base = small(tmp_path)
    (base / "ImageSets/Segmentation/train.txt").write_text("2007_000001\n2007_000002\n")
    with pytest.raises(DatasetError, match="2007_000002, which is also in val"):
        open_voc2012(base)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(DatasetError, match="no folder JPEGImages"):
        open_voc2012(tmp_path)
    base = small(tmp_path)
    lists = base / "ImageSets/Segmentation"
    (lists / "train.txt").write_text("2007_000009\n")
    with pytest.raises(DatasetError, match=r"JPEGImages/2007_000009.jpg is missing; .*train.txt, which lists it"):
        open_voc2012(base)
    (lists / "train.txt").write_text("\n")
    with pytest.raises(DatasetError, match="lists no image"):
        open_voc2012(base)
    (lists / "train.txt").unlink()
    with pytest.raises(DatasetError, match=r"train.txt cannot be read"):
        open_voc2012(base)


def test_unknown_class_is_named(tmp_path):
    base = small(tmp_path)
    write(base, "2007_000002", np.full((2, 2), 21, np.uint8))
    with pytest.raises(DatasetError, match=r"2007_000002.png: label values \[21\]"):
        open_voc2012(base).split("val").load(0)
    assert len(CLASS_NAMES) == 21
