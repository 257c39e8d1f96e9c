"""Answers about a first search: a request that fits a data set, and what can be changed in it."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import Field

from nas.schemas.base import PublicModel

FirstKind: TypeAlias = Literal["cells", "networks", "differentiable"]
"""What a first search can look for."""


class SearchChoice(PublicModel):
    """One thing that a first search can look for."""

    name: FirstKind
    text: str = Field(description="What it is, in few words.")
    about: str = Field(description="The same in a sentence.")


class BackboneChoice(PublicModel):
    """One backbone that a first search can use."""

    text: str = Field(description="What it is, in words.")
    backbone: dict[str, Any] = Field(description="The field `fidelity.backbone` of a request.")
    problem: str | None = Field(description="What it needs and the service does not have; null if nothing.")


class StrategyChoice(PublicModel):
    """One strategy that proposes architectures."""

    name: str
    text: str = Field(description="What it does, in a sentence.")


class FirstSearchPublic(PublicModel):
    """A request of a search that fits a data set: `POST /v1/searches` takes it as it is."""

    request: dict[str, Any]
    searches: tuple[SearchChoice, ...] = Field(description="What can be looked for instead.")
    backbones: tuple[BackboneChoice, ...] = Field(
        description="The one of the request is the first without a problem; empty where networks are searched, which "
        "bring their own."
    )
    strategies: tuple[StrategyChoice, ...] = Field(description="Empty where nothing proposes: a differentiable search.")
