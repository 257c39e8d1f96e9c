"""The feature bank: a frozen backbone's features of the training crops and validation images, computed once.

A bank is a folder of .npy files that trials map into memory, so that all processes of a node share the pages. The
caller names the folder by a hash of all inputs. The folder is made under a lock and a temporary name, and renamed when
it is complete. This module does not import torch: the features come from a function.

    train_features_0.npy  (views * images, h, w, C)   row view * images + image; _1, _2, ... for the coarser levels
    train_labels.npy      (views * images, H, W)      uint8, 255 ignored
    val_features_0.npy, val_labels.npy                the same, one row per validation image
    report.json
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nas.atomic import make_once
from nas.data.dataset import Split, Uint8
from nas.data.parallel import in_order
from nas.data.transforms import MEAN_PIXEL, Colour, train_crop, train_label_crop, val_crop, val_label_crop
from nas.specs import AugmentSpec

Extract = Callable[[Uint8], tuple[NDArray[Any], ...]]
"""Images (n, H, W, 3) -> features (n, h, w, C) of each level, finest first; float32, or bfloat16 as its uint16 bits."""

Pair = tuple[Uint8, Uint8]
"""An image (H, W, 3) and its label map (H, W)."""

Progress = Callable[[str, int, int], None]
"""Called with (stage, rows done, rows in all)."""

VIEW_SEED = 0x5E6
"""Seed of the crops, which no trial and no seed of a trial changes: all trials share the bank."""

REPORT = "report.json"


@dataclass(frozen=True)
class CropSource:
    """The crops that become rows of a bank.

    Attributes:
        split: Images and label maps.
        images: Number of images, the first ones of the split.
        crop: Height and width in pixels.
        views: Crops of each image.
        augment: Random scale and flip of training crops; None for crops from the middle of the image.
        padding: Colour beyond the image.
    """

    split: Split
    images: int
    crop: tuple[int, int]
    views: int = 1
    augment: AugmentSpec | None = None
    padding: Colour = MEAN_PIXEL

    def __len__(self) -> int:
        return self.images * self.views

    def row(self, index: int) -> Pair:
        """Return the image (H, W, 3) and the label map (H, W) of row view * images + image, at the crop's size.

        Raises:
            DatasetError: A file is missing or broken.
        """
        view, image = divmod(index, self.images)
        pixels, label = self.split.load(image)
        if self.augment is None:
            return val_crop(pixels, label, self.crop, self.padding)
        return train_crop(pixels, label, self.crop, self.augment, _view_stream(view, image), padding=self.padding)

    def label_views(self, image: int) -> Iterator[Uint8]:
        """Yield the label map (H, W) of each view of an image, as `row` gives it, without reading the image.

        Raises:
            DatasetError: The label map is missing or broken.
        """
        label = self.split.load_label(image)
        for view in range(self.views):
            if self.augment is None:
                yield val_label_crop(label, self.crop)
            else:
                yield train_label_crop(label, self.crop, self.augment, _view_stream(view, image))


def _view_stream(view: int, image: int) -> np.random.Generator:
    return np.random.default_rng((VIEW_SEED, view, image))


@dataclass(frozen=True)
class FeatureBank:
    """An opened bank, whose arrays are mapped from disk, read on access and never written back.

    Attributes:
        train_features: One array for each level, finest first; the same for `val_features`.
    """

    folder: Path
    train_features: tuple[NDArray[Any], ...]
    train_labels: Uint8
    val_features: tuple[NDArray[Any], ...]
    val_labels: Uint8
    report: dict[str, Any]


def open_bank(folder: Path) -> FeatureBank:
    """Open the bank in `folder` by mapping its arrays.

    Raises:
        OSError: There is no bank in `folder`.
    """

    def mapped(name: str) -> NDArray[Any]:
        # Mode "c" maps privately: as cheap as read-only, and torch accepts the array without a copy.
        array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
        return array

    report = json.loads((folder / REPORT).read_text("utf-8"))
    return FeatureBank(
        folder=folder,
        train_features=tuple(mapped(f"train_features_{level}") for level in range(report["levels"])),
        train_labels=mapped("train_labels"),
        val_features=tuple(mapped(f"val_features_{level}") for level in range(report["levels"])),
        val_labels=mapped("val_labels"),
        report=report,
    )


def build_bank(
    folder: Path,
    train: CropSource,
    val: CropSource,
    extract: Extract,
    *,
    label_stride: int,
    batch: int,
    progress: Progress,
    parallel: int = 1,
) -> FeatureBank:
    """Open the bank in `folder`, and build it first unless it exists. A failed build leaves nothing behind.

    Args:
        folder: Where the bank is, or will be.
        train: Training crops.
        val: Validation images.
        extract: Computes the features of a batch of images.
        label_stride: Pixels per stored label, along each axis.
        batch: Images per call of `extract`.
        progress: Called with the stage "features", the rows done and the rows in all.
        parallel: Batches at once, for each of which a thread calls `extract`; the bank is the same.

    Raises:
        OSError: The disk is full.
        DatasetError: A file is missing or broken.
    """

    def extracted(item: tuple[int, Pair]) -> tuple[int, tuple[NDArray[Any], ...], Uint8]:
        done, (images, maps) = item
        return done, extract(images), maps

    def make(temporary: Path) -> None:
        started = time.perf_counter()
        total = len(train) + len(val)
        writers: list[NpyWriter] = []
        for name, source, offset in (("train", train, 0), ("val", val, len(train))):
            with ExitStack() as files:
                rows, writers = len(source), []
                to_labels = files.enter_context(NpyWriter(temporary / f"{name}_labels.npy", rows))
                batches = crop_batches(source, range(len(source)), batch)
                for done, levels, maps in in_order(extracted, batches, parallel):
                    for level, features in enumerate(levels):
                        if level == len(writers):
                            path = temporary / f"{name}_features_{level}.npy"
                            writers.append(files.enter_context(NpyWriter(path, rows)))
                        writers[level].append(features)
                    to_labels.append(sample_labels(maps, label_stride))
                    progress("features", offset + done, total)
        report = {
            "levels": len(writers),
            "train_rows": len(train),
            "val_rows": len(val),
            "bytes": sum(file.stat().st_size for file in temporary.iterdir()),
            "seconds": round(time.perf_counter() - started, 3),
        }
        (temporary / REPORT).write_text(json.dumps(report, indent=1) + "\n", "utf-8")

    make_once(folder, make)
    return open_bank(folder)


def crop_batches(source: CropSource, rows: Iterable[int], batch: int) -> Iterator[tuple[int, Pair]]:
    """Yield (rows done so far, (images (n, H, W, 3), labels (n, H, W))) in the order of `rows`.

    Files are decoded in threads (Pillow releases the interpreter's lock), one batch ahead of the consumer.

    Raises:
        DatasetError: A file is missing or broken.
    """
    indices = list(rows)
    chunks = [indices[i : i + batch] for i in range(0, len(indices), batch)]
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="crops") as pool:
        ahead = [pool.submit(source.row, row) for row in (chunks[0] if chunks else [])]
        done = 0
        for position, chunk in enumerate(chunks):
            current = ahead
            following = chunks[position + 1] if position + 1 < len(chunks) else []
            ahead = [pool.submit(source.row, row) for row in following]
            pairs = [future.result() for future in current]
            done += len(chunk)
            yield done, (np.stack([image for image, _ in pairs]), np.stack([label for _, label in pairs]))


def sample_labels(labels: Uint8, stride: int) -> Uint8:
    """Sample labels at the centres of the cells of a stride: (n, H, W) -> (n, ceil(H / stride), ceil(W / stride)).

    On a side that is a multiple of the stride, the first centre is half a stride from the border; on a side of a
    multiple plus one pixel (513, 769), the centres are the pixels 0, stride, 2 * stride, ..., corners included.
    """
    if stride == 1:
        return labels
    rows, columns = (np.arange(0 if side % stride == 1 else stride // 2, side, stride) for side in labels.shape[1:])
    return np.ascontiguousarray(labels[:, rows][:, :, columns])


class NpyWriter:
    """Writes a .npy file of `rows` rows piece by piece; a full disk raises OSError (mapped memory: a bus error)."""

    def __init__(self, path: Path, rows: int) -> None:
        self._file: BinaryIO = path.open("wb")
        self._rows = rows
        self._written = 0

    def __enter__(self) -> NpyWriter:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()
        assert failure[0] is not None or self._written == self._rows

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows (n, ...); the first call fixes the dtype and the shape of a row."""
        if not self._written:
            header = {"descr": rows.dtype.str, "fortran_order": False, "shape": (self._rows, *rows.shape[1:])}
            np.lib.format.write_array_header_1_0(self._file, header)
        self._file.write(np.ascontiguousarray(rows).data)
        self._written += len(rows)
