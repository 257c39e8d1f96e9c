"""A split of a few small images, written to a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from nas.data.dataset import Item, LabelTable, Split

CLASSES = 4
SIZE = (16, 32)


def write_split(root: Path, count: int) -> Split:
    """Write `count` images of noise with label maps of noise, all 4 classes, and list them as a split."""
    rng = np.random.default_rng(count)
    items = []
    for index in range(count):
        item = Item(root / f"{index}.png", root / f"{index}_label.png")
        Image.fromarray(rng.integers(0, 256, (*SIZE, 3), np.uint8)).save(item.image)
        Image.fromarray(rng.integers(0, CLASSES, SIZE, np.uint8)).save(item.label)
        items.append(item)
    return Split("train", tuple(items), LabelTable.identity(CLASSES))
