"""PASCAL VOC 2012 segmentation: 20 classes and background, with SBD's extra annotations if they are present.

VOC2012/JPEGImages/<id>.jpg                 or another image format
VOC2012/SegmentationClass/<id>.png          palette images: index = class, 255 = void
VOC2012/ImageSets/Segmentation/{train,val}.txt
VOC2012/SegmentationClassAug/<id>.png       optional, with ImageSets/Segmentation/{train_aug,trainaug}.txt:
                                            both together replace the training split
"""

from __future__ import annotations

from pathlib import Path

from nas.data.dataset import DatasetError, Item, LabelTable, SegmentationDataset, Split, voc_palette
from nas.data.names import image_files, label_of, read_names, stem_of

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
        raise DatasetError(
            f"{train_list} lists {stem_of(min(shared).name)}, which is also in val.txt; the splits must differ"
        )
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
    folder, label_maps = base / "JPEGImages", base / label_folder
    images, labels = image_files(folder), image_files(label_maps)
    stems = read_names(list_file, images, folder)
    items = tuple(Item(images[stem], label_of(stem, images[stem], labels, label_maps)) for stem in stems)
    return Split(name, items, LABEL_TABLE)
