import json
import time
from typing import Never

import numpy as np
import pytest

from nas.data.bank import build_bank, open_bank
from nas.data.crops import CropSource, sample_labels
from nas.data.dataset import DatasetError
from nas.data.rows import NpyWriter
from nas.specs import AugmentSpec
from tests.nas.data.splits import write_split


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
