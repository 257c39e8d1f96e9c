"""Draws one scene of a data set from the seed, the split and the scene's number."""

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
"""Appearance of classes: alike within a group of classes ("cues"), or different for each class ("naive")."""


class Scene(NamedTuple):
    """An image (H, W, 3), its training classes (H, W) and appearance classes (H, W); 255 is ignored in both."""

    image: Uint8
    label: Uint8
    appearance: Uint8


def draw_scene(key: tuple[int, ...], size: tuple[int, int], style: Style = "cues") -> Scene:
    """Draw the scene of `key` (seed, split, number); `size` is (height, width) in pixels."""
    draws = Draws(*key)
    label, materials = compose(size, draws)
    if style == "cues":
        return Scene(render(materials, list(MATERIALS.values()), draws), label, materials)
    by_class = np.where(label == IGNORE, len(CLASS_MATERIALS) - 1, label).astype(np.uint8)
    return Scene(render(by_class, CLASS_MATERIALS, draws), label, label)


def appearance_names(style: Style) -> tuple[str, ...]:
    """Return the names of the appearance classes in scenes of a style."""
    return tuple(MATERIALS) if style == "cues" else CLASS_NAMES
