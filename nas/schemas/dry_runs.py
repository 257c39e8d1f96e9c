"""Answers to a dry run: what a search would do and cost, before it is started."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from nas.schemas.base import PublicModel
from nas.schemas.forecasts import ForecastPublic
from nas.schemas.panels import Panel
from nas.schemas.searches import Spec
from nas.schemas.worth import WorthPublic
from search_spaces.validation import FieldProblem


class FactPublic(PublicModel):
    """One fact about a search, in words."""

    name: str
    text: str


class DryRunPublic(ForecastPublic):
    """What a search would do: its forecast, the same in words, its whole spec, and what is odd about it."""

    model_config = ConfigDict(defer_build=True)  # as that of a search

    facts: tuple[FactPublic, ...] = Field(description="What would run and what it would cost, in words.")
    worth: WorthPublic | None = Field(
        description="What the search is expected to gain over textbook heads, where a probe has found it out for this "
        "space and fidelity (`segnas worth`); null where it has not, or where nobody can ask."
    )
    worth_panels: tuple[Panel, ...] = Field(
        (),
        description="The same to be drawn: the question with its cost and what asks it, how far its probe is, or the "
        "answer as a picture; empty where nobody can ask.",
    )
    warnings: tuple[FieldProblem, ...] = Field(
        description="What is allowed and perhaps not meant, each with the path of its field in the spec; an empty path "
        "means the whole search."
    )
    spec: Spec = Field(description="The spec with all defaults, as it would be stored.")
    yaml: str = Field(description="The request as YAML, with the fields that were given: `segnas submit` reads it.")
