"""Crops, scales, flips and normalises images with numpy and Pillow; deterministic for a given random generator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nas.data.dataset import IGNORE, Uint8
from nas.specs import AugmentSpec

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet per channel (RGB in [0, 1]), with which published backbones were trained."""

MEAN_PIXEL = tuple(round(255 * mean) for mean in MEAN)
"""Colour of padding, which normalises to about zero, so that padded regions carry no signal."""


def normalize(image: Uint8) -> NDArray[np.float32]:
    """Return (x / 255 - mean) / std per channel, float32, for an image (..., H, W, 3)."""
    scale = (1.0 / (255.0 * np.array(STD))).astype(np.float32)
    shift = (-np.array(MEAN) / np.array(STD)).astype(np.float32)
    normalized: NDArray[np.float32] = image.astype(np.float32) * scale + shift
    return normalized


def train_crop(
    image: Uint8, label: Uint8, crop: tuple[int, int], augment: AugmentSpec, rng: np.random.Generator
) -> tuple[Uint8, Uint8]:
    """Scale, flip, pad and crop an image and its label map at random.

    The scale is uniform in `augment.scale`; images are resized bilinearly, labels by nearest neighbour. An image
    smaller than the crop is padded at the bottom and right with the mean colour and IGNORE. Four numbers are drawn
    for all settings, so that one setting does not change the numbers that the others draw.

    Args:
        image: (H, W, 3).
        label: (H, W).
        crop: Height h and width w of the result in pixels.
        augment: Range of the scale, and whether to flip.
        rng: Source of the random numbers.

    Returns:
        Image (h, w, 3) and label map (h, w).
    """
    placement = _drawn(label.shape, crop, augment, rng)
    return placement.of_image(image), placement.of_label(label)


def train_label_crop(label: Uint8, crop: tuple[int, int], augment: AugmentSpec, rng: np.random.Generator) -> Uint8:
    """Return the label map of `train_crop` alone, for callers that do not need the image."""
    return _drawn(label.shape, crop, augment, rng).of_label(label)


def val_crop(image: Uint8, label: Uint8, crop: tuple[int, int]) -> tuple[Uint8, Uint8]:
    """Return the middle of an image and its label map at the size of `crop` (height, width in pixels), unscaled.

    An image smaller than the crop is padded evenly on both sides, with the odd pixel at the end.
    """
    placement = _middle(label.shape, crop)
    return placement.of_image(image), placement.of_label(label)


def val_label_crop(label: Uint8, crop: tuple[int, int]) -> Uint8:
    """Return the label map of `val_crop` alone, for callers that do not need the image."""
    return _middle(label.shape, crop).of_label(label)


class _Placement(NamedTuple):
    """Where a crop lies: scale to `size`, flip, pad with `before` (rows, columns) above and left, cut at `corner`."""

    size: tuple[int, int]
    flip: bool
    before: tuple[int, int]
    corner: tuple[int, int]
    crop: tuple[int, int]

    def of_image(self, image: Uint8) -> Uint8:
        return self._cut(image, Image.Resampling.BILINEAR, np.array(MEAN_PIXEL, np.uint8))

    def of_label(self, label: Uint8) -> Uint8:
        return self._cut(label, Image.Resampling.NEAREST, np.array(IGNORE, np.uint8))

    def _cut(self, array: Uint8, resampling: Image.Resampling, padding: Uint8) -> Uint8:
        height, width = self.size
        if array.shape[:2] != self.size:
            array = np.asarray(Image.fromarray(array).resize((width, height), resampling))
        if self.flip:
            array = array[:, ::-1]
        if (padded := _padded(self.size, self.crop)) != self.size:
            canvas = np.empty((*padded, *array.shape[2:]), np.uint8)
            canvas[:] = padding
            canvas[self.before[0] : self.before[0] + height, self.before[1] : self.before[1] + width] = array
            array = canvas
        top, left = self.corner
        return array[top : top + self.crop[0], left : left + self.crop[1]].copy()


def _drawn(shape: tuple[int, ...], crop: tuple[int, int], augment: AugmentSpec, rng: np.random.Generator) -> _Placement:
    draw_scale, draw_flip, draw_top, draw_left = rng.random(4)
    lowest, highest = augment.scale
    scale = lowest + (highest - lowest) * draw_scale
    size = (max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))
    padded = _padded(size, crop)
    corner = (int(draw_top * (padded[0] - crop[0] + 1)), int(draw_left * (padded[1] - crop[1] + 1)))
    return _Placement(size, augment.flip and bool(draw_flip < 0.5), (0, 0), corner, crop)


def _middle(shape: tuple[int, ...], crop: tuple[int, int]) -> _Placement:
    size = (shape[0], shape[1])
    padded = _padded(size, crop)
    before = ((padded[0] - size[0]) // 2, (padded[1] - size[1]) // 2)
    return _Placement(size, False, before, ((padded[0] - crop[0]) // 2, (padded[1] - crop[1]) // 2), crop)


def _padded(size: tuple[int, int], crop: tuple[int, int]) -> tuple[int, int]:
    return max(size[0], crop[0]), max(size[1], crop[1])
