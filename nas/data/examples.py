"""The choice of a few validation images on which predictions are looked at, and their pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from nas.data.class_maps import class_png, classes_by_area, photo_jpeg
from nas.data.crops import CropSource
from nas.data.dataset import IGNORE, SegmentationDataset, Uint8
from nas.readers import READERS
from nas.results.predictions import Examples
from search_spaces.base import content_key

FORMAT = 1
"""Part of every key; to be raised when the choice or the pictures change."""

COUNT = 4
"""How many images are chosen."""

CANDIDATES = 64
"""How many images are looked at, evenly spaced over all: reading every label map of a large data set takes long."""

SIDE = 257
"""The longest side of a picture, in pixels."""

VISIBLE = 0.002
"""Share of a crop's pixels from which on one sees a class on a picture."""


def examples_key(source: CropSource, dataset: SegmentationDataset) -> str:
    """Compute the key of `make_examples`."""
    images = (source.first, source.images)
    return content_key(
        {"format": FORMAT, "data": dataset.key, "images": images, "crop": source.crop, "padding": source.padding}
    )


def make_examples(source: CropSource, dataset: SegmentationDataset) -> Examples:
    """Choose some of the validation images, and make pictures of them.

    Args:
        source: The validation crops.
        dataset: The data set of the source.

    Raises:
        DatasetError: A file is missing or broken.
    """
    rows = choose_rows(source, dataset.num_classes)
    size = picture_size(source.crop)
    pairs = [source.row(row) for row in rows]
    masks = [shrink(label, size) for _, label in pairs]
    red, green, blue = (column.tolist() for column in dataset.palette.T)
    return Examples(
        key=examples_key(source, dataset),
        rows=rows,
        size=size,
        class_names=dataset.class_names,
        colours=tuple(zip(red, green, blue, strict=True)),
        images=tuple(photo_jpeg(image, size) for image, _ in pairs),
        masks=tuple(class_png(mask, dataset.palette) for mask in masks),
        mask_classes=tuple(map(classes_by_area, masks)),
    )


def choose_rows(source: CropSource, num_classes: int, count: int = COUNT) -> tuple[int, ...]:
    """Choose images that together show many classes, always the same ones of the same crops.

    Args:
        source: The crops to choose from, one view of each image.
        num_classes: Number of classes.
        count: How many to choose.

    Returns:
        Rows of the source, ascending; all of them where there are not more than `count`.

    Raises:
        DatasetError: A label map is missing or broken.
    """
    if len(source) <= count:
        return tuple(range(len(source)))
    rows = np.unique(np.linspace(0, len(source) - 1, min(CANDIDATES, len(source))).round().astype(int)).tolist()

    def areas(row: int) -> NDArray[np.int64]:
        return np.bincount(next(source.label_views(row)).reshape(-1), minlength=IGNORE + 1)[:num_classes]

    with ThreadPoolExecutor(READERS, thread_name_prefix="examples") as pool:
        counted = np.stack(list(pool.map(areas, rows)))
    return tuple(sorted(rows[index] for index in most_varied(counted > VISIBLE * np.prod(source.crop), count)))


def most_varied(shown: NDArray[np.bool_], count: int) -> list[int]:
    """Choose images one after the other, each for its classes that the chosen ones do not show yet, or seldom.

    A class is worth 1 as long as no chosen image shows it, then half as much for every image that does. Neighbours are
    often alike (slices, frames of a film), so that one image is chosen of each of `count` stretches.

    Args:
        shown: Which of the classes each image shows, (images, classes).
        count: How many to choose.

    Returns:
        Indices of images in the order of the choice; of equal ones the first.
    """
    images, worth = len(shown), np.ones(shown.shape[1])
    count = min(count, images)
    left, chosen = list(range(images)), []
    while left:
        best = max(left, key=lambda index: (float(worth[shown[index]].sum()), -index))
        left = [index for index in left if index * count // images != best * count // images]
        chosen.append(best)
        worth[shown[best]] /= 2
    return chosen


def picture_size(crop: tuple[int, int]) -> tuple[int, int]:
    """Compute height and width of the pictures of a crop, which are its own where it is small.

    A crop whose corners lie on the corners of every coarser map (513, 769) keeps that: its sides less one are halved.
    Any other is divided by a whole number.
    """
    height, width = crop
    while max(height, width) > SIDE and height % 2 and width % 2:
        height, width = halved((height, width))
    step = -(-max(height, width) // SIDE)
    return -(-height // step), -(-width // step)


def halved(size: tuple[int, int]) -> tuple[int, int]:
    """Compute half a size, whose corners lie on the corners where they can."""
    return -(-size[0] // 2), -(-size[1] // 2)


def places(side: int, cells: int) -> NDArray[np.int64]:
    """Return the pixels at which `cells` cells read a side of `side` pixels: corners included, or centres of blocks."""
    if cells > 1 and (side - 1) % (cells - 1) == 0:
        return np.arange(cells) * ((side - 1) // (cells - 1))
    return (2 * np.arange(cells) + 1) * side // (2 * cells)


def shrink(classes: Uint8, size: tuple[int, int]) -> Uint8:
    """Read a class map (H, W) at the places of a smaller grid (height, width)."""
    height, width = classes.shape
    return np.ascontiguousarray(classes[places(height, size[0])][:, places(width, size[1])])
