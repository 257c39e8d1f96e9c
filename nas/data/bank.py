"""The feature bank: a frozen backbone's features of the training crops and validation images, computed once.

A bank is a folder of .npy files that trials map into memory, so that all processes of a node share the pages. The
caller names the folder by a hash of all inputs. The folder is made under a lock and a temporary name, and renamed when
it is complete; its files are verified when it is opened. A bank that cannot be written is held in memory, if it fits.
This module does not import torch: the features come from a function.

    train_features_0.npy  (views * images, h, w, C)   row view * images + image; _1, _2, ... for the coarser levels
    train_labels.npy      (views * images, H, W)      uint8, 255 ignored
    val_features_0.npy, val_labels.npy                the same, one row per validation image
    report.json                                       rows, seconds, size and sha256 of each file
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.aids import reason_of
from nas.atomic import write_folder_atomically
from nas.cache.boots import notes_of_this_boot
from nas.cache.entries import held, hold, let_go, read_or_make
from nas.cache.sealed import FILES, BrokenEntryError, ChangedMeanwhileError, check_files, read_sealed, sealed
from nas.cache.use import mark_in_use
from nas.data.crops import CropSource, Pair, crop_batches, sample_labels
from nas.data.dataset import Uint8
from nas.data.parallel import in_order
from nas.data.rows import FolderRows, MemoryRows, Rows

Extract = Callable[[Uint8], tuple[NDArray[Any], ...]]
"""Images (n, H, W, 3) -> features (n, h, w, C) of each level, finest first; float32, or bfloat16 as its uint16 bits."""

Progress = Callable[[str, int, int], None]
"""Called with (stage, rows done, rows in all)."""

REPORT = "report.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureBank:
    """An opened bank, whose arrays are mapped from disk, read on access and never written back; or are in memory.

    Attributes:
        folder: Where the bank is on the disk, or would be.
        inodes: Of the files that are mapped, by name; none of a bank in memory.
        train_features: One array for each level, finest first; the same for `val_features`.
    """

    folder: Path
    train_features: tuple[NDArray[Any], ...]
    train_labels: Uint8
    val_features: tuple[NDArray[Any], ...]
    val_labels: Uint8
    report: dict[str, Any]
    inodes: Mapping[str, int]

    def check(self) -> None:
        """Compare the files with what was opened, which costs a few system calls where nothing has changed.

        A bank whose folder was removed is still there for whoever has opened it, as is one in memory.

        Raises:
            ChangedMeanwhileError: A file was written to, or was found broken and replaced, since it was opened.
        """
        if not self.folder.exists():
            return
        try:
            if self.inodes and _inodes(self.folder, self.inodes) != self.inodes:
                raise BrokenEntryError(f"{self.folder} was replaced")
            if self.inodes:
                check_files(self.folder, self.report)
        except (BrokenEntryError, FileNotFoundError) as error:
            raise ChangedMeanwhileError(f"features changed while they were read: {error}") from error


def _inodes(folder: Path, names: Iterable[str]) -> dict[str, int]:
    return {name: (folder / name).stat().st_ino for name in names}


def open_bank(folder: Path) -> FeatureBank:
    """Open the bank in `folder` by mapping its arrays, after its files have been verified.

    A bank of gigabytes is read for that once on each node, as long as its files do not change and the node does not
    start anew.

    Raises:
        MissingEntryError: There is no bank in `folder`.
        BrokenEntryError: The bank is not what was written.
    """
    mark_in_use(folder)
    report = read_sealed(folder / REPORT)
    check_files(folder, report, notes_of_this_boot(folder))

    def mapped(name: str) -> NDArray[Any]:
        # Mode "c" maps privately: as cheap as read-only, and torch accepts the array without a copy.
        array: NDArray[Any] = np.load(folder / name, mmap_mode="c", allow_pickle=False)
        return array

    try:
        inodes = _inodes(folder, report[FILES])
        return _bank(folder, report, {name.removesuffix(".npy"): mapped(name) for name in report[FILES]}, inodes)
    except (OSError, ValueError, LookupError) as error:  # verified, but the folder may vanish meanwhile
        raise BrokenEntryError(f"{folder} cannot be opened: {error}") from error


def build_bank(
    folder: Path,
    train: CropSource,
    val: CropSource,
    make_extract: Callable[[], Extract],
    *,
    label_stride: int,
    batch: int,
    progress: Progress,
    parallel: int = 1,
    about: str = "",
) -> FeatureBank:
    """Open the bank in `folder`, and build it first where it is missing or broken; a failed build leaves nothing.

    Where the folder cannot be written (a full disk, for instance) the bank is built in memory, for this process.

    Args:
        folder: Where the bank is, or will be.
        train: Training crops.
        val: Validation images.
        make_extract: Called where the bank is built; returns the function that computes the features of a batch of
            images.
        label_stride: Pixels per stored label, along each axis.
        batch: Images per call of that function.
        progress: Called with the stage "features", the rows done and the rows in all.
        parallel: Batches at once, for each of which a thread calls that function; the bank is the same.
        about: What the features are of, in words, for whoever lists the cache.

    Raises:
        OSError: The bank can neither be written nor held in memory; the message says how much it needs.
        DatasetError: A file is missing or broken.
    """
    build = _Build(folder, train, val, make_extract, label_stride, batch, progress, parallel, about)
    return read_or_make(folder, lambda: open_bank(folder), build.make)


@dataclass(frozen=True)
class _Build:
    """The making of a bank, with the arguments of `build_bank`."""

    folder: Path
    train: CropSource
    val: CropSource
    make_extract: Callable[[], Extract]
    label_stride: int
    batch: int
    progress: Progress
    parallel: int
    about: str

    def make(self) -> FeatureBank:
        """Write the bank and open it; what cannot be written is held in memory."""
        try:
            write_folder_atomically(self.folder, self._write)
            return open_bank(self.folder)
        except (OSError, BrokenEntryError) as error:
            return hold(self.folder, self._in_memory(reason_of(error) if isinstance(error, OSError) else str(error)))

    def _write(self, temporary: Path) -> None:
        with FolderRows(temporary) as files:
            report = self._fill(files)
        report |= {"bytes": sum(entry["bytes"] for entry in files.written.values()), FILES: files.written}
        (temporary / REPORT).write_text(sealed(report), "utf-8")

    def _in_memory(self, reason: str) -> FeatureBank:
        folder = self.folder
        _log.warning("the feature bank cannot be kept in %s (%s): this process holds it in memory", folder, reason)
        arrays = MemoryRows(f"the feature bank cannot be written to {folder} ({reason})", _make_room)
        report = self._fill(arrays)
        return _bank(folder, report, arrays.arrays, {})

    def _fill(self, rows: Rows) -> dict[str, Any]:
        """Write features and labels of both sources; returns the beginning of the report."""
        started, extract = time.perf_counter(), self.make_extract()
        total, levels = len(self.train) + len(self.val), 0
        for name, source, offset in (("train", self.train, 0), ("val", self.val, len(self.train))):
            for done, features, labels in self._extracted(source, extract):
                if not levels:
                    rows.reserve(total * (labels[0].nbytes + sum(level[0].nbytes for level in features)))
                    levels = len(features)
                for level, values in enumerate(features):
                    rows.append(f"{name}_features_{level}", values, len(source))
                rows.append(f"{name}_labels", labels, len(source))
                self.progress("features", offset + done, total)
            rows.close()
        return {
            "about": self.about,
            "levels": levels,
            "train_rows": len(self.train),
            "val_rows": len(self.val),
            "seconds": round(time.perf_counter() - started, 3),
        }

    def _extracted(self, source: CropSource, extract: Extract) -> Iterator[tuple[int, tuple[NDArray[Any], ...], Uint8]]:
        """Yield (rows done so far, features of each level, sampled labels) of a source, batch by batch, in order."""

        def extracted(item: tuple[int, Pair]) -> tuple[int, tuple[NDArray[Any], ...], Uint8]:
            done, (images, maps) = item
            return done, extract(images), sample_labels(maps, self.label_stride)

        return in_order(extracted, crop_batches(source, range(len(source)), self.batch), self.parallel)


def _bank(
    folder: Path, report: dict[str, Any], arrays: Mapping[str, NDArray[Any]], inodes: Mapping[str, int]
) -> FeatureBank:
    levels = range(report["levels"])
    return FeatureBank(
        folder=folder,
        train_features=tuple(arrays[f"train_features_{level}"] for level in levels),
        train_labels=arrays["train_labels"],
        val_features=tuple(arrays[f"val_features_{level}"] for level in levels),
        val_labels=arrays["val_labels"],
        report=report,
        inodes=inodes,
    )


def _make_room(size: int, free: Callable[[], int]) -> bool:
    """Forget banks that this process holds in memory, the oldest first, until another one fits."""
    for path in held(FeatureBank):
        if size <= free():
            break
        let_go(path)
    return size <= free()
