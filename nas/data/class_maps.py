"""Class maps as pictures: their colours, and PNG files in which each pixel is the index of its class."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nas.data.dataset import IGNORE, Uint8


def colour_table(palette: Uint8) -> Uint8:
    """Return the colour of every value of a class map, (256, 3): that of the class, or black (IGNORE)."""
    table: NDArray[np.uint8] = np.zeros((IGNORE + 1, 3), np.uint8)
    table[: len(palette)] = palette
    return table


def colour(classes: Uint8, palette: Uint8) -> Uint8:
    """Map classes `(H, W)` to colours `(H, W, 3)`; `IGNORE` is black."""
    return colour_table(palette)[classes]


def class_png(classes: Uint8, palette: Uint8) -> bytes:
    """Write classes `(H, W)` as a PNG with a palette: its pixels are the classes, shown in their colours."""
    picture = Image.fromarray(classes)
    picture.putpalette(colour_table(palette).tobytes())
    return _written(picture, "PNG")


def photo_jpeg(image: Uint8, size: tuple[int, int]) -> bytes:
    """Write an image `(H, W, 3)` at a size (height, width) as a JPEG."""
    height, width = size
    return _written(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS), "JPEG", quality=88)


def read_class_png(content: bytes) -> Uint8:
    """Read the classes `(H, W)` of a PNG that `class_png` wrote."""
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def classes_by_area(classes: Uint8) -> tuple[int, ...]:
    """List the classes of a map, those with more pixels first; what is ignored is no class."""
    counts = np.bincount(classes.reshape(-1), minlength=IGNORE + 1)[:IGNORE]
    order = np.argsort(-counts, kind="stable")
    return tuple(order[: int((counts > 0).sum())].tolist())


def _written(picture: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()
