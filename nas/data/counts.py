"""Counts the pixels of each class and of void in label maps, without reading the images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.data.crops import CropSource, sample_labels
from nas.data.dataset import IGNORE, Split, Uint8
from nas.readers import READERS

AT_ONCE = 64
"""Images between two reports of progress."""


@dataclass(frozen=True)
class LabelCounts:
    """Pixels of each class, and pixels that belong to none (void), in some label maps."""

    pixels: tuple[int, ...]
    void: int

    @property
    def occurring(self) -> tuple[int, ...]:
        """The classes that have at least one pixel, ascending."""
        return tuple(index for index, count in enumerate(self.pixels) if count)

    @property
    def void_share(self) -> float:
        """Void pixels as a share of all pixels, 0 where there are none."""
        return self.void / max(self.void + sum(self.pixels), 1)


def count_crops(
    source: CropSource, num_classes: int, stride: int, progress: Callable[[int, int], None] | None = None
) -> LabelCounts:
    """Count the labels of all rows of a source of crops, all views included, as the loss reads them.

    Args:
        source: The crops.
        num_classes: Number of classes.
        stride: Pixels per label, along each axis.
        progress: Called with the images counted and the images in all.

    Raises:
        DatasetError: A label map is missing or broken.
    """

    def of_image(image: int) -> NDArray[np.int64]:
        return _values(sample_labels(label[None], stride) for label in source.label_views(image))

    return _as_counts(_summed(of_image, source.images, progress), num_classes)


def count_label_maps(split: Split, images: int, num_classes: int, stride: int) -> LabelCounts:
    """Count the labels of the first `images` images of a split, uncropped, one label every `stride` pixels.

    Raises:
        DatasetError: A label map is missing or broken.
    """

    def of_image(image: int) -> NDArray[np.int64]:
        return _values([sample_labels(split.load_label(image)[None], stride)])

    return _as_counts(_summed(of_image, images, None), num_classes)


def _values(labels: Iterable[Uint8]) -> NDArray[np.int64]:
    counts = np.zeros(IGNORE + 1, np.int64)
    for label in labels:
        counts += np.bincount(label.reshape(-1), minlength=IGNORE + 1)
    return counts


def _summed(
    of_image: Callable[[int], NDArray[np.int64]], images: int, progress: Callable[[int, int], None] | None
) -> NDArray[np.int64]:
    counts = np.zeros(IGNORE + 1, np.int64)
    with ThreadPoolExecutor(READERS, thread_name_prefix="labels") as pool:
        for start in range(0, images, AT_ONCE):  # not all at once: the first broken file ends the count
            stop = min(start + AT_ONCE, images)
            counts += sum(pool.map(of_image, range(start, stop)), np.zeros_like(counts))
            if progress is not None:
                progress(stop, images)
    return counts


def _as_counts(values: NDArray[np.int64], num_classes: int) -> LabelCounts:
    assert not values[num_classes:IGNORE].any()
    return LabelCounts(tuple(values[:num_classes].tolist()), int(values[IGNORE]))
