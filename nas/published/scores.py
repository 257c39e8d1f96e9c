"""The table of published scores, shipped as data."""

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
    """Where numbers stand."""

    title: str
    venue: str
    url: str


class PublishedScore(StrictModel):
    """One number of one paper, with the setting it was got in. What is not recorded here is None.

    `extra` names what was trained on beside the data set's own fine annotations and ImageNet's class labels; an empty
    one says: nothing. `multi_scale` is of the evaluation: several scales (and mostly flips) averaged, or one.
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
    """All published scores, or those on one data set, by data set, split and falling mIoU.

    ValueError listing the known data sets for any other name.
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
