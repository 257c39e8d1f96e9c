"""Requests: models of what a client may send to create a search.

A request may leave open what the service fills in before it stores the spec: the fidelity behind the name of a
calibration, the trials that a full-scale evaluation measures.
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
from nas.specs.calibration import CalibrationSpec
from nas.specs.confirmation import LEARNING_RATES, FreshSeeds, LearningRates
from nas.specs.fidelity import Fidelity
from nas.specs.full_scale import Choice, Explicit, Seeds, Stratified, Top
from nas.specs.job import JobSpec, Resources, SearchName, Seed
from nas.specs.named_head import NamedHead
from nas.specs.plugins import plugged_in
from nas.specs.reference import ReferenceSpec
from nas.specs.search import OneOf, SearchSpec
from nas.specs.training_free import TRAINING_FREE, TrainingFreeProxy
from search_spaces.base import StrictModel
from search_spaces.reference.heads import REFERENCE_HEADS
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
            description="Id of a calibration: the fidelity that it recommends. With `/PROXY`: that of the proxy.",
            json_schema_extra={"pattern": NAME_PATTERN},
        ),
    ],
)
"""The name of a fidelity of a calibration."""


def _tag(value: Any) -> str:
    return "FidelityName" if isinstance(value, str) else "Fidelity"


NamedFidelity = TypeAliasType(
    "NamedFidelity",
    Annotated[
        Annotated[Fidelity, Tag("Fidelity")] | Annotated[FidelityName, Tag("FidelityName")],
        Discriminator(_tag),
    ],
)
"""A fidelity in full, or the name of a fidelity of a calibration."""


class BlackBoxRequest(BlackBoxSpec):
    """Request of a black-box search, with its fidelity in full or by the name of a calibration's fidelity."""

    fidelity: NamedFidelity  # type: ignore[assignment]  # wider than the record's, which has it in full

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        """Every fidelity that is given in full, by its path."""
        return _in_full(super().fidelities)


class ReferenceRequest(ReferenceSpec):
    """Request of a reference search: fidelity in full or by the name of a calibration's, heads in full or by name."""

    heads: Annotated[tuple[NamedHead, ...], Field(min_length=1, max_length=1000)] = Field(  # type: ignore[assignment]
        REFERENCE_HEADS, description=ReferenceSpec.model_fields["heads"].description
    )
    fidelity: NamedFidelity  # type: ignore[assignment]  # wider than the record's, which has it in full

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        """Every fidelity that is given in full, by its path."""
        return _in_full(super().fidelities)


def _in_full(fidelities: Mapping[str, Fidelity]) -> Mapping[str, Fidelity]:
    # Fidelities that are given by name are checked against the rest of the spec when the name is resolved.
    return {path: fidelity for path, fidelity in fidelities.items() if isinstance(fidelity, Fidelity)}


@cache
def search_requests() -> tuple[type[JobSpec], ...]:
    """List the classes of all requests that `POST /v1/searches` accepts, those of plugins last."""
    built_in = (BlackBoxRequest, AutoDeepLabSpec, ReferenceRequest)
    return (*built_in, *(kind.spec for kind in plugged_in() if kind.requested))


SearchRequest = TypeAliasType("SearchRequest", Annotated[JobSpec, OneOf(search_requests)])
"""The request of `POST /v1/searches`; full-scale evaluations and calibrations have requests of their own."""


def resolve(request: SearchRequest, named_fidelity: Callable[[str], Fidelity]) -> SearchSpec:
    """Make the spec to store from a request: the same with its fidelity in full.

    Args:
        request: The request.
        named_fidelity: Returns the fidelity of a name; it may raise InputError.

    Returns:
        A spec of the request's kind, the same whether its fidelity was given by name or in full.

    Raises:
        InputError: The name stands for no fidelity, or the fidelity contradicts the rest of the spec.
    """
    # What the request leaves open stays open: a default may depend on the fidelity.
    fields = {name: getattr(request, name) for name in type(request).model_fields if name in request.model_fields_set}
    fields["kind"] = request.kind
    if isinstance(name := fields.get("fidelity"), str):
        fields["fidelity"] = named_fidelity(name)
    spec: SearchSpec = validate(SearchSpec, fields)
    return spec


class CalibrationRequest(CalibrationSpec):
    """Request of a calibration, which its address names already: `kind` may be left out."""


class FullScaleRequest(StrictModel):
    """Request of a full-scale evaluation: a fidelity, which trials of the search, how many seeds of each."""

    name: SearchName | None = Field(
        None, description="Name of the evaluation; by default the name of the search and `full scale`."
    )
    fidelity: Fidelity
    choose: Choice = Stratified()
    seeds: Seeds = Field(1, description="Number of seeds of each architecture.")
    training_free: tuple[TrainingFreeProxy, ...] = Field(
        TRAINING_FREE,
        description="Training-free scores that are ranked too, computed at the fidelity of the search itself.",
    )
    resources: Resources = Resources()
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    seed: Seed = 0


BestOrExplicit = TypeAliasType("BestOrExplicit", Annotated[Top | Explicit, Field(discriminator="how")])
"""The choice of the architectures to confirm."""


class ConfirmationRequest(StrictModel):
    """Request of a confirmation: which architectures of the search, which heads beside them, how many fresh seeds."""

    name: SearchName | None = Field(
        None, description="Name of the confirmation; by default the name of the search and `confirmation`."
    )
    choose: BestOrExplicit = Field(
        Top(count=3),
        description="The architectures to confirm; by default the three best, or all where there are fewer.",
    )
    references: Annotated[tuple[NamedHead, ...], Field(max_length=100)] | None = Field(
        None,
        description="Heads to compare with; null takes the published DPC, ASPP, separable ASPP and PPM at the width of "
        "the best architecture, ASPP and PPM also at half of it (with several feature maps SegFormer's head and FPN).",
    )
    iterations: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        None, description="Training iterations of each; null takes the search's last rung."
    )
    seeds: FreshSeeds = Field(4, description="Number of fresh seeds of each architecture.")
    learning_rates: LearningRates = LEARNING_RATES
    resources: Resources | None = Field(None, description="Null takes those of the search.")
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    seed: Seed | None = Field(None, description="The first of the fresh seeds; null takes the first that no trial had.")
