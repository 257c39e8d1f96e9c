"""The labels that a network is trained and measured on: counted once, and refused where scores would mean nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from nas.cache.documents import made_once
from nas.data.check import check_labels, refuse_errors
from nas.data.counts import LabelCounts, count_crops
from nas.data.crops import CropSource
from nas.data.dataset import SegmentationDataset
from nas.training.progress import Progress
from search_spaces.base import content_key

FORMAT = 1
"""Part of every cache key; to be raised when the stored content changes."""


class CheckedLabels(NamedTuple):
    """What the counted labels say.

    Attributes:
        class_pixels: Pixels of each class in the training crops, all views together.
        warnings: Sentences that whoever reads the scores should know.
    """

    class_pixels: tuple[int, ...]
    warnings: tuple[str, ...]


def checked_labels(
    dataset: SegmentationDataset,
    name: str,
    training: CropSource,
    validation: CropSource,
    *,
    label_stride: int,
    folder: Path,
    progress: Progress,
) -> CheckedLabels:
    """Count the labels of the crops, or read their cached counts, and judge them.

    Args:
        dataset: The data set.
        name: Its registered name, for messages.
        training: The training crops; where training draws other crops in every step, a sample of them.
        validation: The validation crops.
        label_stride: Pixels per label along each axis, as the loss reads them.
        folder: The counts are cached here under the hash of their inputs.
        progress: Called with stage "labels" and the images counted.

    Raises:
        DatasetError: A label map is broken, or `check_labels` finds an error.
    """
    path = folder / f"{_key(dataset, training, validation, label_stride)}-labels.json"
    height, width = training.crop
    about = f"{name}: labels of {len(training)} + {len(validation)} crops of {height}x{width}"
    stored = made_once(
        path, lambda: {"about": about, **_count(dataset.num_classes, training, validation, label_stride, progress)}
    )
    trained, measured = (
        LabelCounts(tuple(stored[part]["pixels"]), stored[part]["void"]) for part in ("training", "validation")
    )
    findings = check_labels(
        trained,
        measured,
        dataset.class_names,
        layout=dataset.name_of_layout,
        counted=f"in crops of {height}x{width} pixels",
    )
    return CheckedLabels(trained.pixels, refuse_errors(findings, name))


def _key(dataset: SegmentationDataset, training: CropSource, validation: CropSource, label_stride: int) -> str:
    return content_key(
        {
            "format": FORMAT,
            "data": dataset.key,
            "images": (training.images, validation.images),
            "views": training.views,
            "crop": training.crop,
            "augment": None if training.augment is None else training.augment.model_dump(mode="json"),
            "label_stride": label_stride,
            **({"first": validation.first} if validation.first else {}),  # so that older counts keep their keys
        }
    )


def _count(
    num_classes: int, training: CropSource, validation: CropSource, label_stride: int, progress: Progress
) -> dict[str, Any]:
    total = training.images + validation.images
    trained = count_crops(training, num_classes, label_stride, lambda done, _: progress("labels", done, total))
    measured = count_crops(
        validation, num_classes, label_stride, lambda done, _: progress("labels", training.images + done, total)
    )
    return {"training": asdict(trained), "validation": asdict(measured)}
