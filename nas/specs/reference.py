"""Spec of a reference search, which compares heads designed by hand at one fidelity, each with several seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator
from typing_extensions import TypeAliasType

from nas.specs.fidelity import Fidelity
from nas.specs.job import JobSpec
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.reference.heads import REFERENCE_HEADS

Head = TypeAliasType("Head", Annotated[DenseCell | ReferenceHead, Field(discriminator="kind")])


class ReferenceSpec(JobSpec):
    """A reference search: every head is measured with the seeds seed, seed + 1, ..., seed + seeds - 1.

    No trial is stopped early.
    """

    kind: Literal["reference"] = "reference"
    heads: Annotated[tuple[Head, ...], Field(min_length=1, max_length=1000)] = Field(
        REFERENCE_HEADS, description="By default all published heads that this project describes."
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

    @field_validator("heads")
    @classmethod
    def _each_once(cls, heads: tuple[Head, ...]) -> tuple[Head, ...]:
        first: dict[str, int] = {}
        for index, head in enumerate(heads):
            if (before := first.setdefault(head.key, index)) != index:
                raise ValueError(f"head {index} is the same as head {before}; each is measured with all seeds anyway")
        return heads
