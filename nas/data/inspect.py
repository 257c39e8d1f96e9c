"""Inspect a data set: its splits and sizes, how often each class occurs, and a picture of samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nas.atomic import write_atomically
from nas.data.check import Finding, check_labels
from nas.data.counts import LabelCounts
from nas.data.dataset import IGNORE, SegmentationDataset, Split, Uint8
from nas.formatting import counted
from nas.readers import READERS

Progress = Callable[[int, int], None]
"""Called with (images read, images to read)."""


@dataclass(frozen=True)
class SplitReport:
    """Statistics over some or all images of one split.

    Attributes:
        items: Images in the split.
        read: Images that were read.
        sizes: The different (height, width) of the images read, in pixels.
        ignored: Share of the pixels with label IGNORE.
        shares: Each class's share of the labelled pixels.
        images: How many of the images read have each class.
        counts: Pixels of each class and of IGNORE.
    """

    name: str
    items: int
    read: int
    sizes: tuple[tuple[int, int], ...]
    ignored: float
    shares: tuple[float, ...]
    images: tuple[int, ...]
    counts: LabelCounts


def inspect(
    dataset: SegmentationDataset, images: int | None = None, progress: Progress | None = None
) -> tuple[SplitReport, ...]:
    """Read `images` evenly spaced images of each split, or all of them with None, and count their pixels.

    Raises:
        DatasetError: A file is missing or broken.
    """
    chosen = {name: _spaced(len(split), images) for name, split in dataset.splits.items()}
    total, done = sum(len(indices) for indices in chosen.values()), 0
    reports = []
    with ThreadPoolExecutor(READERS, thread_name_prefix="inspect") as pool:
        for name, split in dataset.splits.items():
            counts: list[NDArray[np.int64]] = []
            sizes: set[tuple[int, int]] = set()
            for size, count in pool.map(lambda index, split=split: _count(split, index), chosen[name]):
                counts.append(count)
                sizes.add(size)
                done += 1
                if progress is not None:
                    progress(done, total)
            reports.append(_report(name, len(split), np.stack(counts), tuple(sorted(sizes)), dataset.num_classes))
    return tuple(reports)


def check(dataset: SegmentationDataset, reports: Sequence[SplitReport]) -> tuple[Finding, ...]:
    """Judge the labels that `inspect` counted; the findings say when it read only some of the images."""
    training, validation = (next(report for report in reports if report.name == name) for name in ("train", "val"))
    read = (
        f"in {training.read} of {counted(training.items, 'training image')} and "
        f"{validation.read} of {counted(validation.items, 'validation image')}"
    )
    return check_labels(
        training.counts,
        validation.counts,
        dataset.class_names,
        layout=dataset.name_of_layout,
        counted=read if any(report.read < report.items for report in (training, validation)) else "",
    )


def write_mosaic(dataset: SegmentationDataset, path: Path, columns: int = 4, width: int = 384) -> None:
    """Write a PNG with a row of samples for each split, evenly spaced, each `width` pixels wide.

    A sample is an image above the same image overlaid with the colours of its labels; unlabelled pixels are black.
    """
    strips = []
    for split in dataset.splits.values():
        tiles = [_tile(split, index, dataset.palette, width) for index in _spaced(len(split), columns)]
        strips.append(_beside(tiles, columns * width))
    picture = Image.fromarray(np.concatenate(strips))
    named = Image.registered_extensions().get(path.suffix.lower(), "PNG")
    write_atomically(path, lambda temporary: picture.save(temporary, format=named))


def _count(split: Split, index: int) -> tuple[tuple[int, int], NDArray[np.int64]]:
    _, label = split.load(index)
    return (label.shape[0], label.shape[1]), np.bincount(label.reshape(-1), minlength=256)


def _spaced(count: int, most: int | None) -> list[int]:
    chosen = count if most is None else min(most, count)
    return [index * count // chosen for index in range(chosen)]


def _report(
    name: str, items: int, counts: NDArray[np.int64], sizes: tuple[tuple[int, int], ...], num_classes: int
) -> SplitReport:
    by_class = counts[:, :num_classes].sum(0)
    labelled, pixels = max(int(by_class.sum()), 1), max(int(counts.sum()), 1)
    return SplitReport(
        name=name,
        items=items,
        read=len(counts),
        sizes=sizes,
        ignored=float(counts[:, IGNORE].sum() / pixels),
        shares=tuple(float(share) for share in by_class / labelled),
        images=tuple(int(number) for number in (counts[:, :num_classes] > 0).sum(0)),
        counts=LabelCounts(tuple(by_class.tolist()), int(counts[:, IGNORE].sum())),
    )


def _tile(split: Split, index: int, palette: Uint8, width: int) -> Uint8:
    image, label = split.load(index)
    height = max(1, round(width * label.shape[0] / label.shape[1]))
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    small = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    classes = np.asarray(Image.fromarray(label).resize((width, height), Image.Resampling.NEAREST))
    overlay = (small.astype(np.uint16) + 3 * colours[classes].astype(np.uint16)) // 4
    overlay[classes == IGNORE] = 0
    return np.concatenate([small, overlay.astype(np.uint8)])


def _beside(tiles: list[Uint8], width: int) -> Uint8:
    """Join tiles in a row of `width` pixels, on black where a tile is lower than the highest or tiles are missing."""
    strip = np.zeros((max(tile.shape[0] for tile in tiles), width, 3), np.uint8)
    left = 0
    for tile in tiles:
        strip[: tile.shape[0], left : left + tile.shape[1]] = tile
        left += tile.shape[1]
    return strip
