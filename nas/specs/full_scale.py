"""Spec of a full-scale evaluation, which measures architectures of a search again at a more careful fidelity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator
from typing_extensions import TypeAliasType

from nas.specs.fidelity import Fidelity
from nas.specs.fields import SearchId
from nas.specs.job import JobSpec
from nas.specs.objectives import OF_SEARCH, Goals, OfSearch
from nas.specs.training_free import TrainingFreeProxy
from search_spaces.base import StrictModel

Seeds = Annotated[int, Field(ge=1, le=100)]
Count = Annotated[int, Field(ge=1, le=10_000)]
TrialNumber = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Stratified(StrictModel):
    """Choose `count` trials spread evenly over the search's order: their rho is nearly that of all trials."""

    how: Literal["stratified"] = "stratified"
    count: Count = 24


class Top(StrictModel):
    """Choose the `count` best trials: those one wants to retrain, but a biased sample for a correlation."""

    how: Literal["top"] = "top"
    count: Count


class Explicit(StrictModel):
    """Choose trials by their numbers."""

    how: Literal["explicit"] = "explicit"
    trials: Annotated[tuple[TrialNumber, ...], Field(min_length=1, max_length=10_000)]

    @field_validator("trials")
    @classmethod
    def _each_once(cls, trials: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(trials)) != len(trials):
            twice = next(number for number, count in Counter(trials).items() if count > 1)
            raise ValueError(f"trial {twice} is named twice; for several seeds of each trial use `seeds`")
        return trials


Choice = TypeAliasType("Choice", Annotated[Stratified | Top | Explicit, Field(discriminator="how")])


class FullScaleSpec(JobSpec):
    """A full-scale evaluation measures `trials` of the search `of`, chosen by `sampling`, again at another fidelity."""

    kind: Literal["full_scale"] = "full_scale"
    of: SearchId
    sampling: Literal["stratified", "top", "explicit"]
    trials: Annotated[tuple[TrialNumber, ...], Field(min_length=1)]
    fidelity: Fidelity
    seeds: Seeds = 1
    training_free: tuple[TrainingFreeProxy, ...] = ()
    objectives: OfSearch = OF_SEARCH

    @property
    def goals(self) -> Goals:
        """The first objective of the search, by which full scale orders the trials too."""
        return Goals(objectives=self.objectives)

    @property
    def planned(self) -> int:
        """Number of trials: one for each chosen trial and seed."""
        return len(self.trials) * self.seeds

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        return {"fidelity": self.fidelity}
