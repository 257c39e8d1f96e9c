"""A first search on a data set: small, and with crops and batches that its images fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from api.feasibility import surveyed, trains_here
from nas.first_networks import first_differentiable_request, first_networks_request
from nas.first_search import BackboneOption, Fitting, backbones, data_set, first_request, fitting, usable
from nas.schemas.first_search import BackboneChoice, FirstKind, FirstSearchPublic, SearchChoice, StrategyChoice
from nas.settings import Settings
from nas.specs import BlackBoxSpec, Strategy
from search_spaces.validation import FieldProblem, InputError

SEARCHES: Mapping[FirstKind, tuple[str, str]] = {
    "cells": ("heads", "Dense prediction cells on the features of a frozen backbone, proposed by a strategy."),
    "networks": (
        "networks, by a strategy",
        "Entire networks of Auto-DeepLab's space, proposed by a strategy; each is trained as a whole.",
    ),
    "differentiable": (
        "networks, by differentiating",
        "Entire networks of Auto-DeepLab's space, all in one supernet whose gradients say which is best.",
    ),
}
"""What a first search can look for: in few words, and in a sentence."""


def first_search(settings: Settings, dataset: str | None, search: FirstKind = "cells") -> FirstSearchPublic:
    """Make a first search.

    Args:
        settings: Of the service.
        dataset: The name of the data set; None takes the first that is registered.
        search: What to look for.

    Raises:
        InputError: There is no such data set, or none at all.
    """
    registered = settings.registered_datasets
    name = data_set(registered, dataset)
    try:
        found = surveyed(registered[name], trains_here(settings))
    except ValueError as error:
        raise InputError([FieldProblem(path="dataset", message=f"{name}: {error}")]) from None
    fits = fitting(found) if isinstance(found, dict) else Fitting()
    searches = tuple(SearchChoice(name=of, text=text, about=about) for of, (text, about) in SEARCHES.items())
    choices: tuple[BackboneOption, ...] = ()
    match search:
        case "cells":
            choices = tuple(backbones(settings.registered_weights))
            request = first_request(name, usable(choices).backbone, **fits)
        case "networks":
            request = first_networks_request(name, **fits)
        case "differentiable":
            request = first_differentiable_request(name, **fits)
    return FirstSearchPublic(
        request=request,
        searches=searches,
        backbones=tuple(BackboneChoice(**choice._asdict()) for choice in choices),
        strategies=tuple(_strategies(request)) if "strategy" in request else (),
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
