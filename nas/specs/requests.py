"""What may be asked for, beside what is stored: request models, whose answers are the specs of a record.

A request leaves open what only the service can fill in: a fidelity by the name of the calibration that found it, the
trials that a full-scale evaluation will measure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag
from typing_extensions import TypeAliasType

from nas.specs.auto_deeplab import AutoDeepLabSpec
from nas.specs.black_box import BlackBoxSpec
from nas.specs.fidelity import Fidelity
from nas.specs.full_scale import Choice, Seeds, Stratified
from nas.specs.job import JobSpec, Resources, SearchName, Seed
from nas.specs.plugins import plugged_in
from nas.specs.reference import ReferenceSpec
from nas.specs.search import OneOf, SearchSpec
from nas.specs.training_free import TRAINING_FREE, TrainingFreeProxy
from search_spaces.base import StrictModel
from search_spaces.validation import validate

NAME_PATTERN = r"^s[0-9a-f]{12}(/[a-z0-9][a-z0-9._-]{0,62})?$"


def _names_a_fidelity(text: str) -> str:
    if re.fullmatch(NAME_PATTERN, text) is None:
        raise ValueError(
            f"{text[:120]!r} names no fidelity: a mapping of fields is needed here, or a calibration's id, alone "
            "or with a proxy's name after a slash (s0123456789ab/short)"
        )
    return text


FidelityName = TypeAliasType(
    "FidelityName",
    Annotated[
        str,
        AfterValidator(_names_a_fidelity),
        Field(
            description="A calibration's id: the fidelity it recommends. With `/PROXY`: that proxy of it.",
            json_schema_extra={"pattern": NAME_PATTERN},
        ),
    ],
)
"""The name of a fidelity that a calibration holds."""


def _form(value: Any) -> str:
    return "FidelityName" if isinstance(value, str) else "Fidelity"


NamedFidelity = TypeAliasType(
    "NamedFidelity",
    Annotated[
        Annotated[Fidelity, Tag("Fidelity")] | Annotated[FidelityName, Tag("FidelityName")],
        Discriminator(_form),
    ],
)
"""A fidelity in full, or by its name."""


class BlackBoxRequest(BlackBoxSpec):
    """A black-box search as it may be asked for: its fidelity in full, or by the name that a calibration gives it."""

    fidelity: NamedFidelity  # type: ignore[assignment]  # wider than the record's, which has it in full

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        """Every fidelity that is given in full, by its path."""
        return _in_full(super().fidelities)


class ReferenceRequest(ReferenceSpec):
    """A reference search as it may be asked for: its fidelity in full, or by the name that a calibration gives it."""

    fidelity: NamedFidelity  # type: ignore[assignment]  # wider than the record's, which has it in full

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        """Every fidelity that is given in full, by its path."""
        return _in_full(super().fidelities)


def _in_full(fidelities: Mapping[str, Fidelity]) -> Mapping[str, Fidelity]:
    # What a spec requires of a fidelity given by name is checked when the name is resolved.
    return {path: fidelity for path, fidelity in fidelities.items() if isinstance(fidelity, Fidelity)}


@cache
def search_requests() -> tuple[type[JobSpec], ...]:
    """Classes of every request that `POST /v1/searches` takes, those of plugged-in kinds last."""
    built_in = (BlackBoxRequest, AutoDeepLabSpec, ReferenceRequest)
    return (*built_in, *(kind.spec for kind in plugged_in() if kind.requested))


SearchRequest = TypeAliasType("SearchRequest", Annotated[JobSpec, OneOf(search_requests)])
"""What `POST /v1/searches` takes; full-scale evaluations and calibrations have requests of their own."""


def resolve(asked: SearchRequest, fidelity_named: Callable[[str], Fidelity]) -> SearchSpec:
    """The spec to store: the request with its fidelity in full.

    Args:
        asked: The request.
        fidelity_named: Gives the fidelity of a name. It may raise InputError.

    Returns:
        A spec of the request's kind, the same whether its fidelity was given by name or in full.

    Raises:
        InputError: The fidelity does not go with the rest of the spec.
    """
    fields = {name: getattr(asked, name) for name in type(asked).model_fields}
    if isinstance(name := fields.get("fidelity"), str):
        fields["fidelity"] = fidelity_named(name)
    spec: SearchSpec = validate(SearchSpec, fields)
    return spec


class FullScaleRequest(StrictModel):
    """What a user asks for: a fidelity, which trials of the search, how many seeds of each.

    `training_free` are scored beside it, on the search's own (proxy) fidelity, as further candidates of the ranking.
    """

    name: SearchName | None = Field(None, description="Of the job; by default the search's name and `full scale`.")
    fidelity: Fidelity
    choose: Choice = Stratified()
    seeds: Seeds = 1
    training_free: tuple[TrainingFreeProxy, ...] = TRAINING_FREE
    resources: Resources = Resources()
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    seed: Seed = 0
