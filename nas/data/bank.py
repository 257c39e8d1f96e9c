"""The feature bank: what a frozen backbone sees of the training crops and the validation images, computed once.

A folder of .npy files that trials map into memory (all processes of a node share the pages), addressed by what went
in, made under a lock in a temporary folder and renamed: it is there whole or not at all. No torch here: the features
come from a function.

    train_features.npy  (views * images, h, w, C)   row view * images + image
    train_labels.npy    (views * images, H, W)      uint8, 255 ignored
    val_features.npy, val_labels.npy                the same, one row per validation image
    report.json
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nas.atomic import make_once
from nas.data.dataset import IGNORE, Split, Uint8
from nas.data.transforms import train_crop, val_crop
from nas.specs import AugmentSpec

Extract = Callable[[Uint8], NDArray[Any]]
"""Images (n, H, W, 3) -> features (n, h, w, C); float32, or bfloat16 as its uint16 bits."""

Pair = tuple[Uint8, Uint8]
"""An image (H, W, 3) and its label map (H, W)."""

Progress = Callable[[str, int, int], None]

VIEW_SEED = 0x5E6
"""Views are the same for every trial and every seed: the bank is shared by all of them."""

REPORT = "report.json"


@dataclass(frozen=True)
class CropSource:
    """Where rows come from: the first `images` of a split, `views` times cropped at random or once in the middle."""

    split: Split
    images: int
    crop: tuple[int, int]
    views: int = 1
    augment: AugmentSpec | None = None

    def __len__(self) -> int:
        return self.images * self.views

    def row(self, index: int) -> Pair:
        """Image and label map of a row, at the crop's size. DatasetError for a broken file."""
        view, image = divmod(index, self.images)
        pixels, label = self.split.load(image)
        if self.augment is None:
            return val_crop(pixels, label, self.crop)
        return train_crop(pixels, label, self.crop, self.augment, np.random.default_rng((VIEW_SEED, view, image)))


@dataclass(frozen=True)
class FeatureBank:
    """An opened bank; the arrays are mapped from disk, read as they are touched, never written back."""

    folder: Path
    train_features: NDArray[Any]
    train_labels: Uint8
    val_features: NDArray[Any]
    val_labels: Uint8
    class_pixels: tuple[int, ...]
    report: dict[str, Any]


def open_bank(folder: Path) -> FeatureBank:
    """Map the bank in `folder`. OSError when it is not there."""

    def mapped(name: str) -> NDArray[Any]:
        # Mode "c" maps privately: as cheap as read-only, and torch takes the array without a copy.
        array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
        return array

    report = json.loads((folder / REPORT).read_text("utf-8"))
    return FeatureBank(
        folder=folder,
        train_features=mapped("train_features"),
        train_labels=mapped("train_labels"),
        val_features=mapped("val_features"),
        val_labels=mapped("val_labels"),
        class_pixels=tuple(report["class_pixels"]),
        report=report,
    )


def build_bank(
    folder: Path,
    train: CropSource,
    val: CropSource,
    extract: Extract,
    *,
    label_stride: int,
    num_classes: int,
    batch: int,
    progress: Progress,
) -> FeatureBank:
    """The bank in `folder`, built now unless it is there. Progress: stage "features", rows done of all rows.

    `class_pixels` of the report counts the classes over view 0 of the training labels, at their stored size.
    OSError (disk full) and DatasetError (broken file) leave nothing behind.
    """

    def make(temporary: Path) -> None:
        started = time.perf_counter()
        total = len(train) + len(val)
        counts = np.zeros(num_classes, np.int64)
        for name, source, offset in (("train", train, 0), ("val", val, len(train))):
            features, labels = temporary / f"{name}_features.npy", temporary / f"{name}_labels.npy"
            with NpyWriter(features, len(source)) as to_features, NpyWriter(labels, len(source)) as to_labels:
                for done, (images, maps) in crop_batches(source, range(len(source)), batch):
                    sampled = sample_labels(maps, label_stride)
                    to_features.append(extract(images))
                    to_labels.append(sampled)
                    first_view = sampled[: max(0, train.images - (done - len(images)))] if name == "train" else ()
                    counts += count_classes(first_view, num_classes)
                    progress("features", offset + done, total)
        report = {
            "train_rows": len(train),
            "val_rows": len(val),
            "class_pixels": counts.tolist(),
            "bytes": sum(file.stat().st_size for file in temporary.iterdir()),
            "seconds": round(time.perf_counter() - started, 3),
        }
        (temporary / REPORT).write_text(json.dumps(report, indent=1) + "\n", "utf-8")

    make_once(folder, make)
    return open_bank(folder)


def crop_batches(source: CropSource, rows: Iterable[int], batch: int) -> Iterator[tuple[int, Pair]]:
    """(rows done so far, (images (n, H, W, 3), labels (n, H, W))) in the order of `rows`.

    Files are decoded in threads (Pillow lets go of the interpreter's lock), one batch ahead of the reader.
    """
    wanted = list(rows)
    chunks = [wanted[i : i + batch] for i in range(0, len(wanted), batch)]
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
    """Nearest labels at cell centres: (n, H, W) -> (n, ceil(H / stride), ceil(W / stride)).

    A side of a multiple of the stride has cells whose centre is half a stride in; one of a multiple and one pixel
    (513, 769) has cells on the pixels 0, stride, 2 stride, ..., corners included.
    """
    if stride == 1:
        return labels
    rows, columns = (np.arange(0 if side % stride == 1 else stride // 2, side, stride) for side in labels.shape[1:])
    return np.ascontiguousarray(labels[:, rows][:, :, columns])


def count_classes(labels: Uint8 | tuple[()], num_classes: int) -> NDArray[np.int64]:
    """How many pixels have each class, (num_classes,); IGNORE is left out."""
    counts = np.bincount(np.asarray(labels, np.uint8).reshape(-1), minlength=IGNORE + 1)
    assert not counts[num_classes:IGNORE].any()
    return counts[:num_classes].astype(np.int64)


class NpyWriter:
    """Writes a .npy file row by row, so that a full disk is an OSError and not a bus error in mapped memory."""

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
        """Add rows (n, ...); the first call fixes dtype and shape of a row."""
        if not self._written:
            header = {"descr": rows.dtype.str, "fortran_order": False, "shape": (self._rows, *rows.shape[1:])}
            np.lib.format.write_array_header_1_0(self._file, header)
        self._file.write(np.ascontiguousarray(rows).data)
        self._written += len(rows)
