"""The request of a first search: one for the form of the page, for `segnas init` and for the examples of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nas.specs import BackboneSpec
from nas.weights.check import missing_parts
from nas.weights.entry import WeightsEntry


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


_WARMED = {"name": "mobilenet_v2", "blocks": 5, "output_stride": 8, "warmup_iterations": 300}

_BACKBONES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (
        "EfficientNet-Lite0, ImageNet weights, stride 8",
        {"name": "efficientnet_lite0", "output_stride": 32, "levels": [8]},
    ),
    (
        "EfficientNet-Lite0, ImageNet weights, strides 8 and 16",
        {"name": "efficientnet_lite0", "output_stride": 32, "levels": [8, 16]},
    ),
    ("small MobileNet-v2, trained on this data set first", _WARMED),
)
"""All write at stride 8, as the labels of the first search are read."""


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


def first_request(
    dataset: str,
    backbone: Mapping[str, Any] = _WARMED,
    crop: tuple[int, int] = (128, 128),
    batch: int = 8,
) -> dict[str, Any]:
    """Make the request of a first search: cells on a small backbone, some minutes on two CPU cores.

    Args:
        dataset: The name of the data set.
        backbone: One of `backbones`.
        crop: Height and width in pixels, no larger than the images.
        batch: Crops of a step, no more than there are training images.
    """
    return {
        "kind": "black_box",
        "name": f"first on {dataset}",
        "space": {"kind": "dense_cell", "branches": 5},
        "strategy": {"name": "dpc", "startup": 6},
        "trials": 12,
        "early_stopping": {"reduction": 2},
        "resources": {"cpus": 1, "concurrent": 2},
        "fidelity": {
            "dataset": dataset,
            "backbone": dict(backbone),
            "crop": list(crop),
            "augment": {"scale": [1.0, 1.0]},
            "head": {"channels": 32, "dropout": 0.0, "rate_multiplier": 1},
            "rungs": [150, 300],
            "batch": batch,
            "optimizer": {"name": "adam", "learning_rate": 0.016, "weight_decay": 0.0},
            "label_stride": 8,
        },
    }
