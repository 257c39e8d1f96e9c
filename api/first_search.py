"""A first search on a data set: small, and with crops and batches that its images fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from api.feasibility import surveyed, trains_here
from nas.first_search import backbones, first_request, usable
from nas.schemas.first_search import BackboneChoice, FirstSearchPublic, StrategyChoice
from nas.settings import Settings
from nas.specs import BlackBoxSpec, Strategy
from search_spaces.validation import FieldProblem, InputError

if TYPE_CHECKING:
    from nas.data.survey import Survey

_STEP = 32
"""Crops are multiples of it, whatever the strides of the backbone are."""

_SIDE = 64, 256
"""Least and largest side of a crop in pixels."""

_BATCH = 8


class Fitting(TypedDict, total=False):
    """What a first search takes from the images; what is left out is as usual."""

    crop: tuple[int, int]
    batch: int


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
    choices = tuple(backbones(settings.registered_weights))
    request = first_request(name, usable(choices).backbone, **_fitting(found) if isinstance(found, dict) else {})
    return FirstSearchPublic(
        request=request,
        backbones=tuple(BackboneChoice(**choice._asdict()) for choice in choices),
        strategies=tuple(_strategies(request)),
    )


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


def _fitting(found: Survey) -> Fitting:
    """The crop and the batch that the smallest training image and their number allow."""
    train = found["train"]
    batch = max(1, min(_BATCH, train.images))
    if not train.sizes:
        return {"batch": batch}
    height, width = (_side(min(sides)) for sides in zip(*train.sizes, strict=True))
    return {"crop": (height, width), "batch": batch}


def _side(pixels: int) -> int:
    least, most = _SIDE
    return max(least, min(most, pixels // _STEP * _STEP))
