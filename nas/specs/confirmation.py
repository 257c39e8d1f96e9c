"""Spec of a confirmation: the best architectures of a search again, with fresh seeds, beside heads of the textbooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from nas.specs.fidelity import Fidelity
from nas.specs.fields import SearchId
from nas.specs.full_scale import TrialNumber
from nas.specs.job import JobSpec
from nas.specs.objectives import OF_SEARCH, Goals, OfSearch
from nas.specs.reference import Head, named_head
from search_spaces.dense_cell.architecture import PUBLISHED_CELL, DenseCell
from search_spaces.reference.architecture import HeadName, ReferenceHead

Candidates = Annotated[tuple[TrialNumber, ...], Field(min_length=1, max_length=100)]
References = Annotated[tuple[Annotated[Head, BeforeValidator(named_head)], ...], Field(max_length=100)]
FreshSeeds = Annotated[int, Field(ge=2, le=100)]
LearningRates = Annotated[tuple[Annotated[float, Field(gt=0, le=10)], ...], Field(max_length=10)]

LEARNING_RATES = Field(
    (),
    # Left out of every dump while it is the default: specs written before it was there keep their keys.
    exclude_if=lambda rates: not rates,
    description="Learning rates at which the reference heads are trained too, besides the search's own, such as half "
    "of it and twice it: each head then counts at its best one.",
)


class ConfirmationSpec(JobSpec):
    """A confirmation measures `trials` of the search `of`, and `references`, with the seeds seed, seed + 1, ...

    No trial is stopped early, and none of the seeds is one that the search itself used. With `learning_rates` the
    reference heads, which the search did not choose for its learning rate, are trained at others as well.
    """

    kind: Literal["confirmation"] = "confirmation"
    of: SearchId
    trials: Candidates
    references: References
    fidelity: Fidelity
    seeds: FreshSeeds = 4
    learning_rates: LearningRates = LEARNING_RATES
    objectives: OfSearch = OF_SEARCH

    @property
    def goals(self) -> Goals:
        """The first objective of the search, by which the confirmation compares."""
        return Goals(objectives=self.objectives)

    @property
    def planned(self) -> int:
        """Number of trials: one for each seed of each architecture, of a reference head at each learning rate."""
        return self.each_seed * self.seeds

    @property
    def each_seed(self) -> int:
        """Number of trials with one seed."""
        return len(self.trials) + len(self.references) * len(self.at_rates)

    @property
    def at_rates(self) -> Mapping[float, Fidelity]:
        """The fidelities of the reference heads by their learning rate, that of the search first."""
        own = self.fidelity.optimizer.learning_rate
        others = {rate: _at_rate(self.fidelity, rate) for rate in self.learning_rates if rate != own}
        return {own: self.fidelity, **others}

    @property
    def kept_back(self) -> bool:
        """Whether scores are of validation images that the search kept back, not of those that selected."""
        holdout = self.fidelity.holdout
        return holdout is not None and holdout.measure_on == "kept_back"

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        first, *others = self.at_rates.values()
        return {"fidelity": first, **{f"learning_rates.{rate}": found for rate, found in enumerate(others)}}

    @field_validator("trials")
    @classmethod
    def _each_trial_once(cls, trials: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(trials)) != len(trials):
            raise ValueError(f"trial {next(number for number in trials if trials.count(number) > 1)} is named twice")
        return trials

    @field_validator("learning_rates")
    @classmethod
    def _each_rate_once(cls, rates: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(rates)) != len(rates):
            raise ValueError(f"learning rate {next(rate for rate in rates if rates.count(rate) > 1):g} is named twice")
        return rates

    @model_validator(mode="after")
    def _rates_are_for_references(self) -> Self:
        if self.learning_rates and not self.references:
            raise ValueError("learning_rates are those of reference heads, and there are none: leave them out")
        return self

    @model_validator(mode="after")
    def _references_fit(self) -> Self:
        keys = [head.key for head in self.references]
        for index, head in enumerate(self.references):
            if keys.index(head.key) != index:
                raise ValueError(f"references.{index} is the same head as references.{keys.index(head.key)}")
            try:
                self.fidelity.check_head(head)
            except ValueError as error:
                raise ValueError(f"references.{index}: {error}") from None
        return self


def _at_rate(fidelity: Fidelity, rate: float) -> Fidelity:
    return fidelity.model_copy(update={"optimizer": fidelity.optimizer.model_copy(update={"learning_rate": rate})})


def textbook_heads(fidelity: Fidelity, channels: int) -> tuple[Head, ...]:
    """List the heads that a found one of so many filters is compared with by default.

    ASPP and PPM, whose 3x3 convolutions are not separable, come with as many filters and with half as many: with as
    many they are several times a separable cell's size.

    Args:
        fidelity: Where they are measured: SegFormer's head and FPN are listed where there are several feature maps.
        channels: Filters of the found head.
    """
    half = max(1, channels // 2)
    names: tuple[tuple[HeadName, int], ...] = (
        ("aspp_separable", channels),
        ("aspp", channels),
        ("aspp", half),
        ("ppm", channels),
        ("ppm", half),
        *((("segformer", channels), ("fpn", channels)) if len(fidelity.head_strides) > 1 else ()),
    )
    heads = (ReferenceHead(name=name, channels=width) for name, width in dict.fromkeys(names))
    return (DenseCell(branches=PUBLISHED_CELL.branches, channels=channels), *heads)
