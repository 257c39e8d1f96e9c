"""The materials of a scene, which define its appearance independently of its classes.

A class of the label map is drawn in a *material*. Classes of one group share their material, so nothing within a
small backbone's receptive field distinguishes them; a *cue*, some distance away in a material of its own, does. The
materials, in this order, are also the appearance classes on which a backbone is warmed up.
"""

from __future__ import annotations

from typing import NamedTuple

from nas.data.cityscapes import CLASS_NAMES
from nas.data.dataset import IGNORE


class Material(NamedTuple):
    """Mean colour (RGB) and the name of a texture of `nas.data.scenes.textures`."""

    colour: tuple[int, int, int]
    texture: str


MATERIALS: dict[str, Material] = {
    "warm sky": Material((226, 176, 150), "plain"),
    "cold sky": Material((142, 184, 222), "plain"),
    "road": Material((92, 92, 98), "grain"),
    "ground": Material((138, 134, 118), "slabs"),
    "facade": Material((158, 126, 108), "windows"),
    "hedge": Material((82, 112, 74), "leaves"),
    "person": Material((190, 84, 110), "checks"),
    "pole": Material((120, 122, 126), "plain"),
    "plate": Material((206, 190, 96), "checks"),
    "bicycle": Material((40, 66, 60), "stripes"),
    "car": Material((58, 78, 158), "plain"),
    "motorcycle": Material((92, 44, 40), "stripes"),
    "body": Material((186, 178, 172), "panels"),
    "glass": Material((64, 84, 96), "plain"),
    "bonnet": Material((20, 24, 34), "plain"),
    "wheel": Material((28, 28, 30), "plain"),
    "roof of a building": Material((176, 62, 46), "stripes"),
    "roof of a wall": Material((66, 92, 108), "stripes"),
    "foot of a light": Material((236, 128, 36), "plain"),
    "foot of a sign": Material((62, 172, 198), "plain"),
    "front of a truck": Material((214, 62, 58), "panels"),
    "front of a bus": Material((70, 160, 78), "panels"),
    "front of a train": Material((92, 70, 170), "panels"),
    "left mark of a sidewalk": Material((238, 214, 70), "plain"),
    "left mark of terrain": Material((110, 190, 236), "plain"),
    "right mark of a sidewalk": Material((238, 214, 70), "plain"),
    "right mark of terrain": Material((110, 190, 236), "plain"),
    "line": Material((226, 226, 222), "plain"),
}
_INDEX = {name: index for index, name in enumerate(MATERIALS)}
_TRAIN_IDS = {name: index for index, name in enumerate(CLASS_NAMES)}


class Paint(NamedTuple):
    """What a painted pixel becomes: an index of MATERIALS, and a training class (255: none; None: unchanged)."""

    material: int
    label: int | None


def paint(material: str, kind: str | None = None) -> Paint:
    """Return the paint of a material for the Cityscapes class `kind`; with None the painted pixels keep their class."""
    return Paint(_INDEX[material], None if kind is None else _TRAIN_IDS[kind])


def unlabelled(material: str) -> Paint:
    """Return the paint of a material that belongs to no class: label 255."""
    return Paint(_INDEX[material], IGNORE)


CLASS_MATERIALS = [
    *(Material((40 + 88 * (c % 3), 40 + 88 * (c // 3 % 3), 40 + 88 * (c // 9 % 3)), "grain") for c in range(19)),
    MATERIALS["bonnet"],
]
"""Materials of the naive control: a colour for each *class*, without cues; the last is for pixels without a label."""
