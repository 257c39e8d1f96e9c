"""The request of a first search: one for the form of the page, for `segnas init` and for the examples of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from nas.specs import BackboneSpec
from nas.weights.check import missing_parts
from nas.weights.entry import WeightsEntry
from search_spaces.validation import FieldProblem, InputError

if TYPE_CHECKING:
    from nas.data.survey import Survey


class BackboneOption(NamedTuple):
    """A backbone that a first search can use.

    Attributes:
        text: What it is, in words.
        backbone: The field `fidelity.backbone` of a request.
        problem: What it needs and this machine does not have; None if nothing.
    """

    text: str
    backbone: Mapping[str, Any]
    problem: str | None


_BACKBONES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (
        "EfficientNet-Lite0, ImageNet weights, stride 8",
        {"name": "efficientnet_lite0", "output_stride": 32, "levels": [8]},
    ),
    (
        "EfficientNet-Lite0, ImageNet weights, strides 8 and 16",
        {"name": "efficientnet_lite0", "output_stride": 32, "levels": [8, 16]},
    ),
    (
        "small MobileNet-v2, trained on this data set first",
        {"name": "mobilenet_v2", "blocks": 5, "output_stride": 8, "warmup_iterations": 300},
    ),
)
"""All write at stride 8, as the labels of the first search are read."""

_STEP = 32
"""Crops are multiples of it, whatever the strides of the backbone are."""

_SIDE = 64, 256
"""Least and largest side of a crop in pixels."""

_BATCH = 8

LEAST_VALIDATION = 100
"""Validation images from which on half of them are kept back: with fewer, a few images would decide each half's score,
and a rare class might be in one of the halves only.
"""


class Fitting(TypedDict, total=False):
    """What a first search takes from the images, as arguments of `first_request`; what is left out is as usual."""

    crop: tuple[int, int]
    batch: int
    keep_back: bool


SCENES = Fitting(crop=(128, 256), keep_back=True)
"""What fits generated scenes of 128x256 pixels, 192 of them for validation, before they are there."""


def backbones(weights: Mapping[str, WeightsEntry]) -> Iterator[BackboneOption]:
    """List the backbones that a first search can use, the best one first; the last one needs no weights.

    Args:
        weights: The registered checkpoints.
    """
    for text, backbone in _BACKBONES:
        missing = [message for _, message in missing_parts(BackboneSpec.model_validate(backbone), weights)]
        yield BackboneOption(text, backbone, "; ".join(missing) or None)


def usable(options: Sequence[BackboneOption]) -> BackboneOption:
    """Choose the best of `backbones` that can be used here; where none can, the last one, which needs least."""
    return next((option for option in options if option.problem is None), options[-1])


def data_set(registered: Mapping[str, object], asked: str | None) -> str:
    """Choose the data set of a first search: the one that is asked for, else the first that is registered.

    Raises:
        InputError: There is no such data set, or none at all.
    """
    name = next(iter(registered), None) if asked is None else asked
    if name is not None and name in registered:
        return name
    known = f"known are: {', '.join(sorted(registered))}" if registered else "none is registered"
    what = "no data set" if name is None else f"no data set {name[:64]!r}"
    raise InputError([FieldProblem(path="dataset", message=f"{what}; {known}: `segnas data add` registers one")])


def fitting(found: Survey) -> Fitting:
    """Choose what the images of a data set decide about its first search.

    The smallest training image bounds the crop, and the number of training images the batch. Half of the validation
    images are kept back, to confirm the best architectures on, where there are at least `LEAST_VALIDATION`.

    Args:
        found: The splits `train` and `val` of the data set.
    """
    train, validation = found["train"], found.get("val")
    chosen = Fitting(batch=max(1, min(_BATCH, train.images)))
    if train.sizes:
        height, width = (_side(min(sides)) for sides in zip(*train.sizes, strict=True))
        chosen["crop"] = (height, width)
    if validation is not None:
        chosen["keep_back"] = validation.images >= LEAST_VALIDATION
    return chosen


def _side(pixels: int) -> int:
    least, most = _SIDE
    return max(least, min(most, pixels // _STEP * _STEP))


def first_request(
    dataset: str,
    backbone: Mapping[str, Any] = _BACKBONES[0][1],
    crop: tuple[int, int] = (128, 128),
    batch: int = _BATCH,
    keep_back: bool = False,
) -> dict[str, Any]:
    """Make the request of a first search: cells on a small backbone, some minutes on two CPU cores.

    Args:
        dataset: The name of the data set.
        backbone: One of `backbones`.
        crop: Height and width in pixels, no larger than the images.
        batch: Crops of a step, no more than there are training images.
        keep_back: Whether half of the validation images do not select, and the two best cells are confirmed on them.
    """
    return {
        "kind": "black_box",
        "name": f"first on {dataset}",
        "space": {"kind": "dense_cell", "branches": 5},
        "strategy": {"name": "gp", "startup": 6},
        "trials": 12,
        "early_stopping": {"reduction": 2},
        **({"confirm": {"top": 2}} if keep_back else {}),
        "resources": {"cpus": 1, "concurrent": 2},
        "fidelity": {
            "dataset": dataset,
            "backbone": dict(backbone),
            "crop": list(crop),
            "augment": {"scale": [1.0, 1.0]},
            "head": {"channels": 32, "dropout": 0.0, "rate_multiplier": 1},
            # From 200 steps on two seeds agree about the order of heads, on scenes and on slices of a brain.
            "rungs": [200, 400],
            "batch": batch,
            "optimizer": {"name": "adam", "learning_rate": 0.016, "weight_decay": 0.0},
            "class_weighting": 0.5,
            "label_stride": 8,
            **({"holdout": {"share": 0.5}} if keep_back else {}),
        },
    }
