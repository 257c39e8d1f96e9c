"""Resizing of images with their label maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def rescale(
    image: NDArray[np.uint8], label: NDArray[np.uint8], scale: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Resize an image bilinearly and its label map by nearest neighbour; sides are rounded, to one pixel at least.

    Args:
        image: (H, W, 3).
        label: (H, W).
        scale: Factor on both sides.

    Returns:
        Image (h, w, 3) and label map (h, w); the arrays themselves where the size stays the same.
    """
    height, width = (max(1, round(side * scale)) for side in label.shape)
    if (height, width) == label.shape:
        return image, label
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized), np.asarray(Image.fromarray(label).resize((width, height), Image.Resampling.NEAREST))
