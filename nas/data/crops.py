"""The crops of images that networks are trained on and validated with, decoded a batch ahead, and their labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from nas.data.dataset import Split, Uint8
from nas.data.transforms import MEAN_PIXEL, Colour, train_crop, train_label_crop, val_crop, val_label_crop
from nas.readers import READERS
from nas.specs import AugmentSpec

Pair = tuple[Uint8, Uint8]
"""An image (H, W, 3) and its label map (H, W)."""

VIEW_SEED = 0x5E6
"""Seed of the crops, which no trial and no seed of a trial changes: all trials share the bank."""


@dataclass(frozen=True)
class CropSource:
    """The crops of a split: its rows are those of a feature bank, whether there is one or not.

    Attributes:
        split: Images and label maps.
        images: Number of images, the first ones of the split from `first` on.
        crop: Height and width in pixels.
        views: Crops of each image.
        augment: Random scale and flip of training crops; None for crops from the middle of the image.
        padding: Colour beyond the image.
        first: Index of the first image.
    """

    split: Split
    images: int
    crop: tuple[int, int]
    views: int = 1
    augment: AugmentSpec | None = None
    padding: Colour = MEAN_PIXEL
    first: int = 0

    def __len__(self) -> int:
        return self.images * self.views

    def row(self, index: int) -> Pair:
        """Return the image (H, W, 3) and the label map (H, W) of row view * images + image, at the crop's size.

        Raises:
            DatasetError: A file is missing or broken.
        """
        view, image = divmod(index, self.images)
        pixels, label = self.split.load(self.first + image)
        if self.augment is None:
            return val_crop(pixels, label, self.crop, self.padding)
        return train_crop(pixels, label, self.crop, self.augment, _view_stream(view, image), padding=self.padding)

    def label_views(self, image: int) -> Iterator[Uint8]:
        """Yield the label map (H, W) of each view of an image, as `row` gives it, without reading the image.

        Raises:
            DatasetError: The label map is missing or broken.
        """
        label = self.split.load_label(self.first + image)
        for view in range(self.views):
            if self.augment is None:
                yield val_label_crop(label, self.crop)
            else:
                yield train_label_crop(label, self.crop, self.augment, _view_stream(view, image))


def _view_stream(view: int, image: int) -> np.random.Generator:
    return np.random.default_rng((VIEW_SEED, view, image))


def crop_batches(source: CropSource, rows: Iterable[int], batch: int) -> Iterator[tuple[int, Pair]]:
    """Yield (rows done so far, (images (n, H, W, 3), labels (n, H, W))) in the order of `rows`.

    Files are decoded in threads (Pillow releases the interpreter's lock), one batch ahead of the consumer.

    Raises:
        DatasetError: A file is missing or broken.
    """
    indices = list(rows)
    chunks = [indices[i : i + batch] for i in range(0, len(indices), batch)]
    with ThreadPoolExecutor(READERS, thread_name_prefix="crops") as pool:
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
