"""Resizing of images and label maps as they are read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resize_image(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Resize an image (H, W, 3) bilinearly; sides are rounded, to one pixel at least.

    Returns:
        The image (h, w, 3); the array itself where the size stays the same.
    """
    return _resized(image, factor, Image.Resampling.BILINEAR)


def resize_label(label: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Resize a label map (H, W) by nearest neighbour, to the size that `resize_image` gives its image."""
    return _resized(label, factor, Image.Resampling.NEAREST)


def _resized(array: NDArray[np.uint8], factor: float, resampling: Image.Resampling) -> NDArray[np.uint8]:
    height, width = (max(1, round(side * factor)) for side in array.shape[:2])
    if (height, width) == array.shape[:2]:
        return array
    return np.asarray(Image.fromarray(array).resize((width, height), resampling))
