"""Crops, scales, flips and normalises images with numpy and Pillow; deterministic for a given random generator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import IGNORE, Uint8
from nas.data.resizing import rescale
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
    draw_scale, draw_flip, draw_top, draw_left = rng.random(4)
    lowest, highest = augment.scale
    image, label = rescale(image, label, lowest + (highest - lowest) * draw_scale)
    if augment.flip and draw_flip < 0.5:
        image, label = image[:, ::-1], label[:, ::-1]
    image, label = _pad(image, label, crop, (0, 0))
    top = int(draw_top * (image.shape[0] - crop[0] + 1))
    left = int(draw_left * (image.shape[1] - crop[1] + 1))
    return _cut(image, label, crop, (top, left))


def val_crop(image: Uint8, label: Uint8, crop: tuple[int, int]) -> tuple[Uint8, Uint8]:
    """Return the middle of an image and its label map at the size of `crop` (height, width in pixels), unscaled.

    An image smaller than the crop is padded evenly on both sides, with the odd pixel at the end.
    """
    missing = [max(0, side - have) for side, have in zip(crop, label.shape, strict=True)]
    image, label = _pad(image, label, crop, (missing[0] // 2, missing[1] // 2))
    return _cut(image, label, crop, ((label.shape[0] - crop[0]) // 2, (label.shape[1] - crop[1]) // 2))


def _pad(image: Uint8, label: Uint8, crop: tuple[int, int], before: tuple[int, int]) -> tuple[Uint8, Uint8]:
    """Pad to at least the size of `crop`, with `before` (rows, columns) of the padding above and to the left."""
    size = tuple(max(side, have) for side, have in zip(crop, label.shape, strict=True))
    if size == label.shape:
        return image, label
    canvas, void = np.empty((*size, 3), np.uint8), np.full(size, IGNORE, np.uint8)
    canvas[:] = MEAN_PIXEL
    window = slice(before[0], before[0] + label.shape[0]), slice(before[1], before[1] + label.shape[1])
    canvas[window], void[window] = image, label
    return canvas, void


def _cut(image: Uint8, label: Uint8, crop: tuple[int, int], corner: tuple[int, int]) -> tuple[Uint8, Uint8]:
    window = slice(corner[0], corner[0] + crop[0]), slice(corner[1], corner[1] + crop[1])
    return image[window].copy(), label[window].copy()
