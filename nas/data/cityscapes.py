"""Cityscapes (Cordts et al., CVPR 2016): fine annotations, the official label table, 19 training classes.

    root/leftImg8bit/{train,val}/<city>/<name>_leftImg8bit.png
    root/gtFine/{train,val}/<city>/<name>_gtFine_labelIds.png

Images may have another format, too. Generated scenes use the same layout, and add a split `warmup` and the names of its
classes in `scenes.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from nas.data.dataset import IGNORE, DatasetError, Item, LabelTable, SegmentationDataset, Split
from nas.data.names import image_files, label_of, stem_of, subfolders

# (name, training class or IGNORE, colour) by label id, as in cityscapesscripts' labels.py.
LABELS: tuple[tuple[str, int, tuple[int, int, int]], ...] = (
    ("unlabeled", IGNORE, (0, 0, 0)),
    ("ego vehicle", IGNORE, (0, 0, 0)),
    ("rectification border", IGNORE, (0, 0, 0)),
    ("out of roi", IGNORE, (0, 0, 0)),
    ("static", IGNORE, (0, 0, 0)),
    ("dynamic", IGNORE, (111, 74, 0)),
    ("ground", IGNORE, (81, 0, 81)),
    ("road", 0, (128, 64, 128)),
    ("sidewalk", 1, (244, 35, 232)),
    ("parking", IGNORE, (250, 170, 160)),
    ("rail track", IGNORE, (230, 150, 140)),
    ("building", 2, (70, 70, 70)),
    ("wall", 3, (102, 102, 156)),
    ("fence", 4, (190, 153, 153)),
    ("guard rail", IGNORE, (180, 165, 180)),
    ("bridge", IGNORE, (150, 100, 100)),
    ("tunnel", IGNORE, (150, 120, 90)),
    ("pole", 5, (153, 153, 153)),
    ("polegroup", IGNORE, (153, 153, 153)),
    ("traffic light", 6, (250, 170, 30)),
    ("traffic sign", 7, (220, 220, 0)),
    ("vegetation", 8, (107, 142, 35)),
    ("terrain", 9, (152, 251, 152)),
    ("sky", 10, (70, 130, 180)),
    ("person", 11, (220, 20, 60)),
    ("rider", 12, (255, 0, 0)),
    ("car", 13, (0, 0, 142)),
    ("truck", 14, (0, 0, 70)),
    ("bus", 15, (0, 60, 100)),
    ("caravan", IGNORE, (0, 0, 90)),
    ("trailer", IGNORE, (0, 0, 110)),
    ("train", 16, (0, 80, 100)),
    ("motorcycle", 17, (0, 0, 230)),
    ("bicycle", 18, (119, 11, 32)),
)
LICENSE_PLATE = 255
"""Value of the table's last label, license plate, which has id -1 (255 in an 8-bit file) and is ignored."""

IMAGE_SUFFIX = "_leftImg8bit.png"
LABEL_SUFFIX = "_gtFine_labelIds.png"
APPEARANCE_SUFFIX = "_gtFine_appearanceIds.png"
WARMUP = "warmup"
SCENES_FILE = "scenes.json"

_TRAINED = tuple(sorted((train, name, colour) for name, train, colour in LABELS if train != IGNORE))
CLASS_NAMES = tuple(name for _, name, _ in _TRAINED)
PALETTE = np.array([colour for _, _, colour in _TRAINED], np.uint8)
LABEL_TABLE = LabelTable.of({LICENSE_PLATE: IGNORE, **{i: train for i, (_, train, _) in enumerate(LABELS)}})
TRAIN_TO_LABEL_ID = np.array([[train for _, train, _ in LABELS].index(c) for c in range(len(_TRAINED))], np.uint8)
"""The official label id of each training class, (19,)."""


def open_cityscapes(root: Path) -> SegmentationDataset:
    """Open a folder of Cityscapes or of generated scenes.

    Raises:
        DatasetError: A folder, an image or a label map is missing, or `scenes.json` is broken; the message names it.
    """
    appearance_names = _appearance_names(root / SCENES_FILE)
    appearance = None
    if appearance_names:
        appearance = _split(root, WARMUP, APPEARANCE_SUFFIX, LabelTable.identity(len(appearance_names)))
    return SegmentationDataset(
        name_of_layout="cityscapes",
        root=root,
        class_names=CLASS_NAMES,
        palette=PALETTE,
        splits={name: _split(root, name, LABEL_SUFFIX, LABEL_TABLE) for name in ("train", "val")},
        appearance=appearance,
        appearance_names=appearance_names,
    )


def _split(root: Path, name: str, label_suffix: str, table: LabelTable) -> Split:
    folder = root / "leftImg8bit" / name
    items: list[Item] = []
    for city in subfolders(folder):
        items += _city(folder / city, root / "gtFine" / name / city, label_suffix)
    if not items:
        raise DatasetError(f"no <city>/*{IMAGE_SUFFIX} under {folder}")
    return Split(name, tuple(items), table)


def _city(folder: Path, label_maps: Path, label_suffix: str) -> list[Item]:
    ending = stem_of(IMAGE_SUFFIX)
    images = {stem.removesuffix(ending): path for stem, path in image_files(folder).items() if stem.endswith(ending)}
    labels = image_files(label_maps) if images else {}
    ending = stem_of(label_suffix)
    return [Item(path, label_of(stem + ending, path, labels, label_maps)) for stem, path in images.items()]


def _appearance_names(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    try:
        names = json.loads(path.read_text("utf-8-sig"))["appearance"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DatasetError(f"{path} is not the description of generated scenes: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(names) >= IGNORE:
        raise DatasetError(f"{path}: `appearance` must be a list of fewer than {IGNORE} names")
    return tuple(names)
