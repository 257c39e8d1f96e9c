"""The table of published scores, which is shipped as a data file."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field

from search_spaces.base import StrictModel

Dataset: TypeAlias = Literal["cityscapes", "voc2012", "ade20k", "pascal_context", "coco_stuff10k"]

DATASETS: tuple[str, ...] = get_args(Dataset)
"""cityscapes, voc2012, ade20k, pascal_context, coco_stuff10k."""

_Percent = Annotated[float, Field(gt=1, lt=100)]


class Source(StrictModel):
    """A publication that reports scores."""

    title: str
    venue: str
    url: str


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


@cache
def _all() -> tuple[PublishedScore, ...]:
    data = json.loads(resources.files("nas.published").joinpath("scores.json").read_text("utf-8"))
    sources = {name: Source.model_validate(source) for name, source in data["sources"].items()}
    scores = (PublishedScore.model_validate({**row, "source": sources[row["source"]]}) for row in data["scores"])
    return tuple(sorted(scores, key=lambda score: (DATASETS.index(score.dataset), score.split, -score.miou)))
