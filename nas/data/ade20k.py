"""ADE20K scene parsing (Zhou et al., CVPR 2017; ADEChallengeData2016): 150 classes; label value 0 is ignored.

root/images/{training,validation}/<id>.jpg          or another image format
root/annotations/{training,validation}/<id>.png     0 = other, 1..150 = classes
root/objectInfo150.txt                              optional: names, tab separated, the last column
"""

from __future__ import annotations

from pathlib import Path

from nas.data.dataset import IGNORE, DatasetError, Item, LabelTable, SegmentationDataset, Split, voc_palette
from nas.data.names import image_files, label_of, read_text

NUM_CLASSES = 150
LABEL_TABLE = LabelTable.of({0: IGNORE, **{c + 1: c for c in range(NUM_CLASSES)}})
FOLDERS = {"train": "training", "val": "validation"}

# The first synonym of each class, in the order of objectInfo150.txt.
_NAMES = """
    wall|building|sky|floor|tree|ceiling|road|bed|windowpane|grass|cabinet|sidewalk|person|earth|door|table|mountain|
    plant|curtain|chair|car|water|painting|sofa|shelf|house|sea|mirror|rug|field|armchair|seat|fence|desk|rock|wardrobe|
    lamp|bathtub|railing|cushion|base|box|column|signboard|chest of drawers|counter|sand|sink|skyscraper|fireplace|
    refrigerator|grandstand|path|stairs|runway|case|pool table|pillow|screen door|stairway|river|bridge|bookcase|blind|
    coffee table|toilet|flower|book|hill|bench|countertop|stove|palm|kitchen island|computer|swivel chair|boat|bar|
    arcade machine|hovel|bus|towel|light|truck|tower|chandelier|awning|streetlight|booth|television|airplane|dirt track|
    apparel|pole|land|bannister|escalator|ottoman|bottle|buffet|poster|stage|van|ship|fountain|conveyer belt|canopy|
    washer|plaything|swimming pool|stool|barrel|basket|waterfall|tent|bag|minibike|cradle|oven|ball|food|step|tank|
    trade name|microwave|pot|animal|bicycle|lake|dishwasher|screen|blanket|sculpture|hood|sconce|vase|traffic light|
    tray|ashcan|fan|pier|crt screen|plate|monitor|bulletin board|shower|radiator|glass|clock|flag
"""
CLASS_NAMES = tuple(" ".join(name.split()) for name in _NAMES.split("|"))


def open_ade20k(root: Path) -> SegmentationDataset:
    """Open an ADEChallengeData2016 folder.

    The palette is the VOC colour map of the indices 1..150, since the publishers' own colours follow no rule.

    Raises:
        DatasetError: A folder, an image or a label map is missing; the message names it.
    """
    return SegmentationDataset(
        name_of_layout="ade20k",
        root=root,
        class_names=class_names(root),
        palette=voc_palette(NUM_CLASSES + 1)[1:],
        splits={name: _split(root, name) for name in FOLDERS},
    )


def _split(root: Path, name: str) -> Split:
    folder, label_maps = root / "images" / FOLDERS[name], root / "annotations" / FOLDERS[name]
    images, labels = image_files(folder), image_files(label_maps)
    if not images:
        raise DatasetError(f"there is no image in {folder}")
    items = tuple(Item(image, label_of(stem, image, labels, label_maps)) for stem, image in images.items())
    return Split(name, items, LABEL_TABLE)


def class_names(root: Path) -> tuple[str, ...]:
    """Return the first synonyms from objectInfo150.txt, or `CLASS_NAMES` without that file.

    Raises:
        DatasetError: The file is broken.
    """
    path = root / "objectInfo150.txt"
    if not path.exists():
        return CLASS_NAMES
    rows = [line.split("\t") for line in read_text(path, "table of classes").splitlines() if line.strip()]
    names = tuple(row[-1].split(",")[0].strip() for row in rows[1:])
    if len(names) != NUM_CLASSES or not all(names):
        raise DatasetError(f"{path} must have a header and {NUM_CLASSES} named rows, not {len(names)}")
    return names
