"""Spec of a black-box search: space, strategy, proxy fidelity, early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from nas.specs.any_space import AnySpace
from nas.specs.confirm import CONFIRM, Confirm, ConfirmField, check_confirm, check_no_heads, confirming
from nas.specs.dense_cell_space import DenseCellSpace
from nas.specs.early_stopping import AshaStopping, EarlyStopping, MedianStopping, PashaStopping
from nas.specs.fidelity import Fidelity, of_heads
from nas.specs.fields import SearchId
from nas.specs.job import JobSpec
from nas.specs.objectives import Constraints, Goals, Objectives
from nas.specs.space import Space
from nas.specs.start import NamedCell, is_search, starting_architecture
from nas.specs.strategies import DpcStrategy, EvolutionStrategy, Nsga2Strategy, RandomStrategy, Strategy
from search_spaces.document import Architecture


class BlackBoxSpec(JobSpec):
    """A black-box search: a strategy proposes architectures of a space, each measured at one proxy fidelity."""

    kind: Literal["black_box"] = "black_box"
    space: AnySpace = DenseCellSpace()
    strategy: Strategy = RandomStrategy()
    fidelity: Fidelity
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    early_stopping: EarlyStopping | None = AshaStopping()
    # All below are left out of every dump while they are the default: specs written before them keep their keys.
    adopt: bool | Annotated[tuple[SearchId, ...], Field(min_length=1, max_length=100)] = Field(
        False,
        exclude_if=lambda adopt: adopt is False,
        description="Adopt what was measured before at the same architecture, fidelity, seed and environment, instead "
        "of training it: true looks in all searches, a list of ids in these.",
    )
    warm_start: Annotated[tuple[SearchId, ...], Field(max_length=100)] = Field(
        (),
        exclude_if=lambda warm_start: not warm_start,
        description="Ids of earlier searches of the same space and fidelity, from whose scored trials the strategy "
        "learns before its first proposal. Their architectures are not proposed again.",
    )

    start: Annotated[tuple[NamedCell, ...], Field(max_length=1000)] = Field(
        (),
        exclude_if=lambda start: not start,
        description="Architectures that are measured first, in this order, whichever the strategy is: cells or "
        "networks (or architecture documents of them), `published`, `aspp_separable`, or ids of earlier searches, "
        "black-box or differentiable, which stand for their best. What `warm_start` knows already is left out.",
    )

    objectives: Objectives = Field(
        ("miou",),
        exclude_if=lambda objectives: objectives == ("miou",),
        description="What is optimised. The first one orders leaderboards, early stopping and strategies; with several "
        "the answer is also a Pareto set, which the strategy nsga2 looks for and early stopping spares.",
    )
    constraints: Constraints = Field(
        Constraints(),
        exclude_if=lambda constraints: constraints == Constraints(),
        description="What a trial may cost at most, in all that it trains. Parameters and multiply-adds are counted "
        "before an architecture is proposed, and again with its logits before it is trained; latency is measured "
        "before it is trained.",
    )
    confirm: ConfirmField = CONFIRM

    @field_validator("fidelity")
    @classmethod
    def _crop_fits(cls, fidelity: Fidelity | str, found: ValidationInfo) -> Fidelity | str:
        # What networks need, their space says (`check_fidelity`). A request may have the name of a fidelity instead.
        space = found.data.get("space")
        heads = space is not None and not space.whole_network
        return of_heads(fidelity) if heads and isinstance(fidelity, Fidelity) else fidelity

    @field_validator("warm_start")
    @classmethod
    def _each_once(cls, warm_start: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(warm_start)) != len(warm_start):
            raise ValueError(f"search {next(i for i in warm_start if warm_start.count(i) > 1)} is named twice")
        return warm_start

    @property
    def planned(self) -> int:
        return self.trials

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        return {"fidelity": self.fidelity}

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.warm_start, *(start for start in self.start if is_search(start)))))

    @model_validator(mode="after")
    def _space_fits(self) -> Self:
        for path, fidelity in self.fidelities.items():
            self.space.check_fidelity(path, fidelity)
            self.space.check_limit(path, fidelity)
            if (bounded := self.space_at(fidelity)) != self.space:
                bounded.check_limit(path, fidelity, "all limits" if self.space.limited else "constraints")
        return self

    @property
    def goals(self) -> Goals:
        return Goals(objectives=self.objectives, constraints=self.constraints)

    @property
    def confirming(self) -> Confirm | None:
        """How the search is confirmed at its end; None where it is not."""
        return confirming(self.confirm, self.fidelity)

    @model_validator(mode="after")
    def _confirm_fits(self) -> Self:
        if self.space.whole_network:
            check_no_heads(self.confirm)
        for fidelity in self.fidelities.values():
            check_confirm(self.confirm, fidelity)
        return self

    def space_at(self, fidelity: Fidelity) -> Space:
        """Return the space of the architectures that may be proposed: those that the constraints do not exclude.

        An architecture is counted without its logits, a cell also without its decoder, so a few that the constraints
        exclude remain. All do where cells cannot be counted: with operators: extended, or a backbone whose channels are
        known only when it is built.
        """
        counts = (self.constraints.parameters, self.constraints.multiply_adds)
        parameters, multiply_adds = (None if count is None else count.max for count in counts)
        return self.space.bounded(parameters, multiply_adds, fidelity)

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        for index, start in enumerate(self.start):
            if not is_search(start):
                self.check_start(index, start)
        return self

    def check_start(self, index: int, start: Architecture | str) -> None:
        """Check that an architecture, or the name of one, can be entry `index` of `start`.

        Raises:
            ValueError: The architecture is not of the space, or is beyond its limit.
        """
        for fidelity in self.fidelities.values() or (None,):
            try:
                space = self.space if fidelity is None else self.space_at(fidelity)
                starting_architecture(start, space, fidelity)
            except ValueError as error:
                raise ValueError(f"start.{index}: {error}") from None

    @model_validator(mode="after")
    def _pasha_has_rungs(self) -> Self:
        for path, fidelity in self.fidelities.items():
            if isinstance(self.early_stopping, PashaStopping) and len(fidelity.rungs) < 3:
                raise ValueError(
                    f"early_stopping pasha opens rungs beyond the second, and {path}.rungs has {list(fidelity.rungs)}: "
                    "give three or more, or use asha"
                )
        return self

    @model_validator(mode="after")
    def _strategy_fits(self) -> Self:
        if isinstance(self.strategy, DpcStrategy | EvolutionStrategy | Nsga2Strategy):
            for kind in self.strategy.mutations or ():
                self.space.check_mutation(kind)
        if isinstance(self.strategy, Nsga2Strategy) and not self.goals.several:
            raise ValueError(
                f"strategy nsga2 looks for the Pareto set of several objectives, and {self.goals.text} is the only "
                "one; add another to objectives, such as multiply_adds, or use the strategy evolution"
            )
        if isinstance(self.early_stopping, MedianStopping) and self.goals.several:
            raise ValueError(
                "early_stopping median judges one objective, and would stop every small head with a low score; use "
                "asha or hyperband, or null, with several objectives"
            )
        if isinstance(self.early_stopping, PashaStopping) and self.goals.several:
            raise ValueError(
                "early_stopping pasha compares the order of trials by one objective; use asha or hyperband, or null, "
                "with several objectives"
            )
        return self
