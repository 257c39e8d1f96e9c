"""Requests about a search that exists: more trials or seeds, another name, notes, tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from nas.specs.full_scale import Seeds
from nas.specs.job import SearchName
from search_spaces.base import StrictModel

LONGEST_NOTES = 10_000
MOST_TAGS = 20

Tag = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+=@-]*$")]
"""One word that marks a search: 1 to 40 letters, digits and ._:/+=@-, the first of them a letter or digit."""


def _no_nul(notes: str) -> str:
    if "\x00" in notes:
        raise ValueError("notes must be text without NUL characters")
    return notes


class ExtendRequest(StrictModel):
    """Request of more trials of a search: a field is the new total, not what comes on top."""

    trials: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Number of trials that a black-box search shall have in all."
    )
    seeds: Seeds | None = Field(
        None, description="Number of seeds in all: of each head or architecture, or runs of a differentiable search."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_other_measurement(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for name in ("rungs", "fidelity", "iterations", "epochs"):
                if name in data:
                    raise ValueError(
                        f"{name} cannot be extended: the learning rate follows the length of the training, so a "
                        "longer one is another measurement; measure the search's architectures again with POST "
                        "/v1/searches/ID/full-scale (segnas full-scale ID)"
                    )
        return data

    @model_validator(mode="after")
    def _something(self) -> ExtendRequest:
        if not self.changes:
            raise ValueError("say what the search shall have more of: trials or seeds")
        return self

    @property
    def changes(self) -> dict[str, int]:
        """The new totals by the name of the spec's field."""
        return {name: value for name, value in (("trials", self.trials), ("seeds", self.seeds)) if value is not None}


class EditRequest(StrictModel):
    """Request to change what people call a search and say about it; what is left out stays as it is."""

    name: SearchName | None = None
    notes: Annotated[str, StringConstraints(max_length=LONGEST_NOTES), AfterValidator(_no_nul)] | None = Field(
        None, description="Remarks, of any number of lines; empty text removes them."
    )
    tags: Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS)] | None = Field(
        None, description="All tags of the search, which replace those it has."
    )

    @field_validator("tags")
    @classmethod
    def _each_once(cls, tags: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if tags is None else tuple(dict.fromkeys(tags))

    @model_validator(mode="after")
    def _something(self) -> EditRequest:
        if self.name is None and self.notes is None and self.tags is None:
            raise ValueError("say what shall change: name, notes or tags")
        return self
