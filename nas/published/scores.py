"""The table of published scores, which is shipped as a data file."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field

from nas.specs.fidelity import Fidelity
from nas.specs.reference import Head
from search_spaces.base import StrictModel
from search_spaces.reference.architecture import HeadName, ReferenceHead

Dataset: TypeAlias = Literal["cityscapes", "voc2012", "ade20k", "pascal_context", "coco_stuff10k"]

DATASETS: tuple[str, ...] = get_args(Dataset)
"""cityscapes, voc2012, ade20k, pascal_context, coco_stuff10k."""

_Percent = Annotated[float, Field(gt=1, lt=100)]


class Source(StrictModel):
    """A publication that reports scores."""

    title: str
    venue: str
    url: str


class Alike(StrictModel):
    """The setting of a published score in this project's words, where it has the head and the backbone."""

    head: HeadName
    backbone: str = Field(description="As the field `backbone.name` of a fidelity.")
    frozen: bool = Field(description="Whether the backbone was not trained further.")
    channels: int | None = Field(None, description="Filters of the head; null where it has none.")
    strides: tuple[int, ...] | None = Field(None, description="Of the maps that the head reads; null: the last one.")


class PublishedScore(StrictModel):
    """One score from one paper, with the setting in which it was measured; None for what is not recorded.

    `extra` names the training data beside the data set's own fine annotations and ImageNet's class labels; it is
    empty without any. `multi_scale` is True for an evaluation that averages several scales (and mostly flips), False
    for a single scale.
    """

    dataset: Dataset
    method: str
    backbone: str
    split: Literal["val", "test"]
    miou: _Percent = Field(description="Mean IoU in percent, as printed.")
    pixel_accuracy: _Percent | None = None
    multi_scale: bool | None = None
    extra: tuple[str, ...] | None = None
    note: str | None = None
    alike: Alike | None = None
    where: str = Field(description="The place in the source.")
    source: Source


def published(dataset: str | None = None) -> tuple[PublishedScore, ...]:
    """Return the published scores on one data set, or all of them, sorted by data set, split and falling mIoU.

    Raises:
        ValueError: There are no scores on `dataset`; the message lists the data sets.
    """
    if dataset is not None and dataset not in DATASETS:
        raise ValueError(f"no published scores on {dataset!r} are shipped; known: {', '.join(DATASETS)}")
    return tuple(score for score in _all() if dataset in (None, score.dataset))


def published_beside(head: Head, fidelity: Fidelity) -> tuple[PublishedScore, ...]:
    """Return the published scores that stand beside those of a head at a fidelity: measured in the same setting.

    Head with its width and maps, backbone (by name), whether it was trained, and data set (by name) are the same, and
    so is the measurement: of every validation image, at its size, at every pixel, at a single scale. Training may
    differ (iterations, crop, optimiser): papers train as long as they can.
    """
    whole = fidelity.val_images is None and fidelity.resize == 1.0 and fidelity.label_stride == 1
    if not whole or fidelity.head.decoder is not None or not isinstance(head, ReferenceHead):
        return ()
    return tuple(score for score in _all() if score.alike is not None and _alike(score, score.alike, head, fidelity))


def _alike(score: PublishedScore, alike: Alike, head: ReferenceHead, fidelity: Fidelity) -> bool:
    channels = fidelity.head.channels if head.channels is None else head.channels
    backbone = fidelity.backbone
    return (
        head.model_copy(update={"channels": None}) == ReferenceHead(name=alike.head)
        and (alike.backbone, alike.frozen, score.dataset) == (backbone.name, backbone.frozen, fidelity.dataset)
        and alike.channels in (None, channels)
        and (len(fidelity.head_strides) == 1 if alike.strides is None else alike.strides == fidelity.head_strides)
    )


@cache
def _all() -> tuple[PublishedScore, ...]:
    data = json.loads(resources.files("nas.published").joinpath("scores.json").read_text("utf-8"))
    sources = {name: Source.model_validate(source) for name, source in data["sources"].items()}
    scores = (PublishedScore.model_validate({**row, "source": sources[row["source"]]}) for row in data["scores"])
    return tuple(sorted(scores, key=lambda score: (DATASETS.index(score.dataset), score.split, -score.miou)))
