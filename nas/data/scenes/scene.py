"""One scene of a data set, by its seed, split and number."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from nas.data.cityscapes import CLASS_NAMES
from nas.data.dataset import IGNORE, Uint8
from nas.data.scenes.draws import Draws
from nas.data.scenes.layout import compose
from nas.data.scenes.materials import CLASS_MATERIALS, MATERIALS
from nas.data.scenes.render import render

Style = Literal["cues", "naive"]
"""How classes look: "cues" draws the classes of a group alike, "naive" gives each class a look of its own."""


class Scene(NamedTuple):
    """Image (H, W, 3), training classes (H, W) and appearance classes (H, W); 255 is ignored in both."""

    image: Uint8
    label: Uint8
    appearance: Uint8


def draw_scene(key: tuple[int, ...], size: tuple[int, int], style: Style = "cues") -> Scene:
    """The scene of `key` (seed, split, number), of `size` (height, width)."""
    draws = Draws(*key)
    label, materials = compose(size, draws)
    if style == "cues":
        return Scene(render(materials, list(MATERIALS.values()), draws), label, materials)
    by_class = np.where(label == IGNORE, len(CLASS_MATERIALS) - 1, label).astype(np.uint8)
    return Scene(render(by_class, CLASS_MATERIALS, draws), label, label)


def appearance_names(style: Style) -> tuple[str, ...]:
    """Names of the appearance classes that scenes of a style have."""
    return tuple(MATERIALS) if style == "cues" else CLASS_NAMES
