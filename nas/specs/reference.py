"""Spec of a reference search, which compares heads designed by hand at one fidelity, each with several seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator
from typing_extensions import TypeAliasType

from nas.specs.fidelity import Fidelity, of_heads
from nas.specs.job import JobSpec
from search_spaces.dense_cell.architecture import PUBLISHED_CELL, DenseCell
from search_spaces.reference.architecture import HEAD_NAMES, ReferenceHead
from search_spaces.reference.heads import MULTI_LEVEL_HEADS, REFERENCE_HEADS
from search_spaces.validation import shorten

PUBLISHED_DPC: Literal["published_dpc"] = "published_dpc"
"""The name of the published dense prediction cell among the heads."""

Head = TypeAliasType("Head", Annotated[DenseCell | ReferenceHead, Field(discriminator="kind")])


def named_head(value: Any) -> Any:
    """Replace a head's name by its description; in a mapping with a `name` the kind need not be said.

    Raises:
        ValueError: A name that no head has.
    """
    if value == PUBLISHED_DPC:
        return PUBLISHED_CELL
    if isinstance(value, str):
        if value not in HEAD_NAMES:
            known = ", ".join((*HEAD_NAMES, PUBLISHED_DPC))
            raise ValueError(f"there is no reference head {shorten(value)}; known: {known}")
        return ReferenceHead(name=value)
    if isinstance(value, Mapping) and "name" in value:
        return {"kind": "reference_head", **value}
    return value


class ReferenceSpec(JobSpec):
    """A reference search: every head is measured with the seeds seed, seed + 1, ..., seed + seeds - 1.

    No trial is stopped early.
    """

    kind: Literal["reference"] = "reference"
    heads: Annotated[tuple[Annotated[Head, BeforeValidator(named_head)], ...], Field(min_length=1, max_length=1000)] = (
        Field(
            REFERENCE_HEADS,
            description="By default the published heads of one feature map; where the fidelity gives a head several "
            "maps, also those that read several.",
        )
    )
    seeds: Annotated[int, Field(ge=1, le=100)] = 3
    fidelity: Fidelity

    @property
    def planned(self) -> int:
        """Number of trials: one for each head and seed."""
        return len(self.heads) * self.seeds

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        return {"fidelity": self.fidelity}

    @field_validator("fidelity")
    @classmethod
    def _crop_fits(cls, fidelity: Fidelity | str) -> Fidelity | str:
        # A request may have the name of a fidelity instead.
        return of_heads(fidelity) if isinstance(fidelity, Fidelity) else fidelity

    @field_validator("heads")
    @classmethod
    def _each_once(cls, heads: tuple[Head, ...]) -> tuple[Head, ...]:
        first: dict[str, int] = {}
        for index, head in enumerate(heads):
            if (before := first.setdefault(head.key, index)) != index:
                raise ValueError(f"head {index} is the same as head {before}; each is measured with all seeds anyway")
        return heads

    @model_validator(mode="before")
    @classmethod
    def _heads_for_several_levels(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "heads" not in data and _several_levels(data.get("fidelity")):
            return {**data, "heads": (*REFERENCE_HEADS, *MULTI_LEVEL_HEADS)}
        return data

    @model_validator(mode="after")
    def _heads_have_their_levels(self) -> Self:
        for fidelity in self.fidelities.values():
            for index, head in enumerate(self.heads):
                try:
                    fidelity.check_head(head)
                except ValueError as error:
                    raise ValueError(f"head {index}: {error}") from None
        return self


def _several_levels(fidelity: Any) -> bool:
    # Before the fidelity is validated: whatever is wrong with it, its own validation says.
    try:
        return len(Fidelity.model_validate(fidelity).head_strides) > 1
    except ValueError:
        return False
