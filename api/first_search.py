"""A first search on a data set: small, and with crops and batches that its images fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from api.feasibility import surveyed, trains_here
from nas.schemas.first_search import BackboneChoice, FirstSearchPublic, StrategyChoice
from nas.settings import Settings
from nas.specs import BackboneSpec, BlackBoxSpec, Strategy
from nas.weights.check import missing_parts
from nas.weights.entry import WeightsEntry
from search_spaces.validation import FieldProblem, InputError

if TYPE_CHECKING:
    from nas.data.survey import Survey

_STEP = 32
"""Crops are multiples of it, whatever the strides of the backbone are."""

_SIDE = 64, 256
"""Least and largest side of a crop in pixels."""

_BATCH = 8

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


def first_search(settings: Settings, dataset: str | None) -> FirstSearchPublic:
    """Make a first search.

    Args:
        settings: Of the service.
        dataset: The name of the data set; None takes the first that is registered.

    Raises:
        InputError: There is no such data set, or none at all.
    """
    registered = settings.registered_datasets
    name = next(iter(registered), None) if dataset is None else dataset
    if name is None or name not in registered:
        known = f"known are: {', '.join(sorted(registered))}" if registered else "none is registered"
        what = "no data set" if name is None else f"no data set {name[:64]!r}"
        raise InputError([FieldProblem(path="dataset", message=f"{what}; {known}: `segnas data add` registers one")])
    try:
        found = surveyed(registered[name], trains_here(settings))
    except ValueError as error:
        raise InputError([FieldProblem(path="dataset", message=f"{name}: {error}")]) from None
    backbones = tuple(_backbones(settings.registered_weights))
    usable = next((choice for choice in backbones if choice.problem is None), backbones[-1])
    crop, batch = _fitting(found) if isinstance(found, dict) else ((128, 128), _BATCH)
    request = {
        "kind": "black_box",
        "name": f"first on {name}",
        "space": {"kind": "dense_cell", "branches": 5},
        "strategy": {"name": "dpc", "startup": 6},
        "trials": 12,
        "early_stopping": {"reduction": 2},
        "resources": {"cpus": 1, "concurrent": 2},
        "fidelity": {
            "dataset": name,
            "backbone": usable.backbone,
            "crop": list(crop),
            "augment": {"scale": [1.0, 1.0]},
            "head": {"channels": 32, "dropout": 0.0, "rate_multiplier": 1},
            "rungs": [150, 300],
            "batch": batch,
            "optimizer": {"name": "adam", "learning_rate": 0.016, "weight_decay": 0.0},
            "label_stride": 8,
        },
    }
    return FirstSearchPublic(request=request, backbones=backbones, strategies=tuple(_strategies(request)))


def _backbones(weights: Mapping[str, WeightsEntry]) -> Iterator[BackboneChoice]:
    for text, backbone in _BACKBONES:
        missing = [message for _, message in missing_parts(BackboneSpec.model_validate(backbone), weights)]
        yield BackboneChoice(text=text, backbone=dict(backbone), problem="; ".join(missing) or None)


def _strategies(request: Mapping[str, Any]) -> Iterator[StrategyChoice]:
    """The strategies that can run the search: one may need several objectives, for instance."""
    union, _ = get_args(Strategy.__value__)
    for strategy in get_args(union):
        name: str = strategy.model_fields["name"].default
        try:
            BlackBoxSpec.model_validate({**request, "strategy": {"name": name}})
        except ValueError:
            continue
        yield StrategyChoice(name=name, text=(strategy.__doc__ or "").split("\n")[0].rstrip("."))


def _fitting(found: Survey) -> tuple[tuple[int, int], int]:
    """The crop and the batch that the smallest training image and their number allow."""
    train = found["train"]
    height, width = (_side(min(sides)) for sides in zip(*train.sizes, strict=True)) if train.sizes else (128, 128)
    return (height, width), max(1, min(_BATCH, train.images))


def _side(pixels: int) -> int:
    least, most = _SIDE
    return max(least, min(most, pixels // _STEP * _STEP))
