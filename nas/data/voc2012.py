"""PASCAL VOC 2012 segmentation: 20 classes and background, with SBD's extra annotations if they are present.

VOC2012/JPEGImages/<id>.jpg
VOC2012/SegmentationClass/<id>.png          palette images: index = class, 255 = void
VOC2012/ImageSets/Segmentation/{train,val}.txt
VOC2012/SegmentationClassAug/<id>.png       optional, with ImageSets/Segmentation/{train_aug,trainaug}.txt:
                                            both together replace the training split
"""

from __future__ import annotations

from pathlib import Path

from nas.data.dataset import DatasetError, Item, LabelTable, SegmentationDataset, Split, names_in, voc_palette

CLASS_NAMES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "dining table",
    "dog",
    "horse",
    "motorbike",
    "person",
    "potted plant",
    "sheep",
    "sofa",
    "train",
    "tv monitor",
)
LABEL_TABLE = LabelTable.identity(len(CLASS_NAMES))
AUGMENTED_LISTS = ("train_aug.txt", "trainaug.txt")


def open_voc2012(root: Path) -> SegmentationDataset:
    """Open VOC2012; `root` is the folder VOC2012 itself, VOCdevkit, or the folder that holds VOCdevkit.

    Raises:
        DatasetError: A folder, an image or a label map is missing, or an image is in both splits; the message names it.
    """
    base = _base(root)
    lists = base / "ImageSets" / "Segmentation"
    train_list, train_labels = lists / "train.txt", "SegmentationClass"
    for augmented in AUGMENTED_LISTS:
        if (lists / augmented).exists() and (base / "SegmentationClassAug").is_dir():
            train_list, train_labels = lists / augmented, "SegmentationClassAug"
            break
    train = _split(base, "train", train_list, train_labels)
    val = _split(base, "val", lists / "val.txt", "SegmentationClass")
    shared = {item.image for item in train.items} & {item.image for item in val.items}
    if shared:
        raise DatasetError(f"{train_list} lists {min(shared).stem}, which is also in val.txt; the splits must differ")
    return SegmentationDataset(
        name_of_layout="voc2012",
        root=base,
        class_names=CLASS_NAMES,
        palette=voc_palette(len(CLASS_NAMES)),
        splits={"train": train, "val": val},
    )


def _base(root: Path) -> Path:
    for base in (root, root / "VOC2012", root / "VOCdevkit" / "VOC2012"):
        if (base / "JPEGImages").is_dir():
            return base
    raise DatasetError(f"no folder JPEGImages in {root}, its VOC2012 or its VOCdevkit/VOC2012")


def _split(base: Path, name: str, list_file: Path, label_folder: str) -> Split:
    images, labels = base / "JPEGImages", base / label_folder
    jpegs, pngs = set(names_in(images, ".jpg")), set(names_in(labels, ".png"))
    items = []
    for stem in _ids(list_file):
        for folder, file, there in ((images, f"{stem}.jpg", jpegs), (labels, f"{stem}.png", pngs)):
            if file not in there:
                raise DatasetError(f"{folder / file} is missing; {list_file} lists it")
        items.append(Item(images / f"{stem}.jpg", labels / f"{stem}.png"))
    if not items:
        raise DatasetError(f"{list_file} lists no image")
    return Split(name, tuple(items), LABEL_TABLE)


def _ids(list_file: Path) -> list[str]:
    """Return the ids of a list file; a line is an id or "/JPEGImages/<id>.jpg /SegmentationClassAug/<id>.png"."""
    try:
        lines = list_file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"list of images {list_file} cannot be read: {error}") from error
    return [Path(line.split()[0]).stem for line in lines if line.strip()]
