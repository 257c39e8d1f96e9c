import json
import time
from pathlib import Path
from typing import Never

import numpy as np
import pytest
from PIL import Image

from nas.data.bank import CropSource, build_bank, crop_batches, open_bank, sample_labels
from nas.data.dataset import DatasetError, Item, LabelTable, Split
from nas.data.rows import NpyWriter
from nas.specs import AugmentSpec

CLASSES = 4


def write_split(root: Path, count: int, size=(16, 32)) -> Split:
    rng = np.random.default_rng(count)
    items = []
    for index in range(count):
        item = Item(root / f"{index}.png", root / f"{index}_label.png")
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(item.image)
        Image.fromarray(rng.integers(0, CLASSES, size, np.uint8)).save(item.label)
        items.append(item)
    return Split("train", tuple(items), LabelTable.identity(CLASSES))


@pytest.fixture
def split(tmp_path):
    return write_split(tmp_path, 5)


def mean_features(images):
    """Mean colour of each 8x8 cell, as one level of float32 (n, h, w, 3): a backbone simple enough to check."""
    n, height, width, _ = images.shape
    cells = images.reshape(n, height // 8, 8, width // 8, 8, 3).astype(np.float32)
    return (cells.mean((2, 4)),)


def build(
    folder, split, *, extract=mean_features, views=2, label_stride=8, batch=2, progress=lambda *_: None, parallel=1
):
    train = CropSource(split, len(split), (16, 32), views, AugmentSpec())
    val = CropSource(split, 3, (16, 32))
    options = {"label_stride": label_stride, "batch": batch, "progress": progress, "parallel": parallel}
    return build_bank(folder, train, val, lambda: extract, **options)


def test_rows_are_views_of_images_in_order(tmp_path, split):
    calls = []
    bank = build(tmp_path / "bank", split, progress=lambda *at: calls.append(at))
    train = CropSource(split, 5, (16, 32), 2, AugmentSpec())
    assert bank.train_features[0].shape == (10, 2, 4, 3)
    assert bank.train_labels.shape == (10, 2, 4)
    assert bank.val_features[0].shape == (3, 2, 4, 3)
    for row in range(10):
        image, label = train.row(row)
        assert np.array_equal(bank.train_features[0][row], mean_features(image[None])[0][0])
        assert np.array_equal(bank.train_labels[row], sample_labels(label[None], 8)[0])
    image, label = split.load(2)
    assert np.array_equal(bank.val_features[0][2], mean_features(image[None])[0][0])
    assert not np.array_equal(bank.train_features[0][0], bank.train_features[0][5])  # two views of image 0
    assert calls[-1] == ("features", 13, 13)
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)


def test_a_bank_of_several_batches_at_once_is_the_same_files(tmp_path, split):
    def slower_first(images: np.ndarray) -> tuple[np.ndarray, ...]:
        time.sleep(0.02 * (images[0, 0, 0, 0] % 3))  # so that batches end in another order than they began
        return mean_features(images)

    one = build(tmp_path / "one", split)
    many = build(tmp_path / "many", split, extract=slower_first, parallel=4)
    for file in one.folder.glob("*.npy"):
        assert file.read_bytes() == (many.folder / file.name).read_bytes()


def test_the_report_has_the_size(tmp_path, split):
    bank = build(tmp_path / "bank", split)
    assert bank.report["train_rows"] == 10
    assert bank.report["bytes"] == sum(file.stat().st_size for file in (tmp_path / "bank").glob("*.npy"))


@pytest.mark.parametrize("augment", [AugmentSpec(), None])
def test_label_views_are_the_labels_of_the_rows(split, augment):
    source = CropSource(split, 5, (12, 40), 3, augment)  # cut above, padded sideways
    for image in range(5):
        views = list(source.label_views(image))
        assert len(views) == 3
        for view, label in enumerate(views):
            assert np.array_equal(label, source.row(view * 5 + image)[1])


def test_a_bank_is_built_once(tmp_path, split):
    def refuse(images) -> Never:
        raise AssertionError("built twice")

    first = build(tmp_path / "bank", split)
    again = build(tmp_path / "bank", split, extract=refuse)
    assert np.array_equal(first.train_features[0], again.train_features[0])
    assert np.array_equal(open_bank(tmp_path / "bank").val_labels, first.val_labels)


def test_writing_to_a_mapped_bank_does_not_reach_the_disk(tmp_path, split):
    bank = build(tmp_path / "bank", split)
    bank.train_features[0][:] = 0
    assert open_bank(tmp_path / "bank").train_features[0].any()


def test_a_broken_image_leaves_nothing(tmp_path, split):
    split.items[3].image.write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"3\.png"):
        build(tmp_path / "bank", split)
    assert not (tmp_path / "bank").exists()
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob(".*.part"))


def test_labels_are_taken_at_cell_centres_by_hand():
    labels = np.arange(8 * 8, dtype=np.uint8).reshape(1, 8, 8)
    assert sample_labels(labels, 4).tolist() == [[[18, 22], [50, 54]]]  # rows 2 and 6, columns 2 and 6
    assert sample_labels(labels, 1) is labels
    corners = np.arange(9 * 9, dtype=np.uint8).reshape(1, 9, 9)
    assert sample_labels(corners, 4)[0].tolist() == [[0, 4, 8], [36, 40, 44], [72, 76, 80]]


def test_batches_keep_the_order_and_the_rest(split):
    source = CropSource(split, 5, (16, 32))
    batches = list(crop_batches(source, [4, 0, 2], 2))
    assert [done for done, _ in batches] == [2, 3]
    assert np.array_equal(batches[0][1][0][1], split.load(0)[0])
    assert list(crop_batches(source, [], 2)) == []


@pytest.mark.parametrize("dtype", ["float32", "uint16", "uint8"])
def test_the_writer_writes_what_numpy_reads(tmp_path, dtype):
    rows = np.arange(24).reshape(4, 3, 2).astype(dtype)
    with NpyWriter(tmp_path / "a.npy", 4) as writer:
        writer.append(rows[:3])
        writer.append(rows[3:])
    read = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert read.dtype == rows.dtype
    assert np.array_equal(read, rows)


def test_the_report_is_json(tmp_path, split):
    build(tmp_path / "bank", split)
    report = json.loads((tmp_path / "bank" / "report.json").read_text())
    assert report["seconds"] >= 0
    assert report["val_rows"] == 3
