"""A picture of a data set: images above their labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nas.data.dataset import SegmentationDataset, Split

COLUMNS = 4
TILE_WIDTH = 480
"""Pixels; larger images are made smaller."""


def write_mosaic(dataset: SegmentationDataset, split: Split, count: int, file: Path) -> int:
    """The first `count` images of the split, each above its labels in the palette (ignored pixels black), as PNG.

    Returns how many there were. DatasetError for a broken image, OSError or ValueError when it cannot be written.
    """
    import numpy as np
    from PIL import Image

    colours = np.zeros((256, 3), np.uint8)
    colours[: dataset.num_classes] = dataset.palette
    pairs = []
    for index in range(min(count, len(split))):
        image, label = split.load(index)
        pair = Image.fromarray(np.concatenate([image, colours[label]]))
        pair.thumbnail((TILE_WIDTH, 4 * TILE_WIDTH))
        pairs.append(pair)
    width, height = max(pair.width for pair in pairs), max(pair.height for pair in pairs)
    columns = min(COLUMNS, len(pairs))
    sheet = Image.new("RGB", (columns * width, -(-len(pairs) // columns) * height), "white")
    for index, pair in enumerate(pairs):
        sheet.paste(pair, (index % columns * width, index // columns * height))
    sheet.save(file, "PNG")
    return len(pairs)
