"""Spec of a black-box search: space, strategy, proxy fidelity, early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from nas.specs.dense_cell_space import DenseCellSpace
from nas.specs.fidelity import Fidelity
from nas.specs.fields import SearchId
from nas.specs.job import JobSpec
from nas.specs.start import NamedCell, is_search, starting_cell
from nas.specs.strategies import DpcStrategy, EvolutionStrategy, GpStrategy, RandomStrategy, Strategy
from search_spaces.base import StrictModel
from search_spaces.dense_cell.architecture import DenseCell

MOST_GP_TRIALS = 1_000
"""Most trials of a search with the strategy `gp`."""


class EarlyStopping(StrictModel):
    """Asynchronous successive halving (ASHA, Li et al. 2020): at each rung the best 1/`reduction` trials continue."""

    reduction: Annotated[float, Field(gt=1, le=100)] = 3.0


class BlackBoxSpec(JobSpec):
    """A black-box search: a strategy proposes architectures of a space, each measured at one proxy fidelity."""

    kind: Literal["black_box"] = "black_box"
    space: DenseCellSpace = DenseCellSpace()
    strategy: Strategy = RandomStrategy()
    fidelity: Fidelity
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    early_stopping: EarlyStopping | None = EarlyStopping()
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
        description="Architectures that are measured first, in this order, whichever the strategy is: cells (or "
        "architecture documents of cells), `published`, `aspp_separable`, or ids of earlier black-box searches, which "
        "stand for their best cells. What `warm_start` knows already is left out.",
    )

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
            self.space.check_levels(path, fidelity)
            self.space.check_limit(path, fidelity)
        return self

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        for index, start in enumerate(self.start):
            if not is_search(start):
                self.check_start(index, start)
        return self

    def check_start(self, index: int, start: DenseCell | str) -> None:
        """Check that a cell, or the name of one, can be entry `index` of `start`.

        Raises:
            ValueError: The cell is not of the space, or is beyond its limit.
        """
        for fidelity in self.fidelities.values() or (None,):
            try:
                starting_cell(start, self.space, fidelity)
            except ValueError as error:
                raise ValueError(f"start.{index}: {error}") from None

    @model_validator(mode="after")
    def _strategy_fits(self) -> Self:
        if isinstance(self.strategy, DpcStrategy | EvolutionStrategy):
            for kind in self.strategy.mutations or ():
                self.space.check_mutation(kind)
        if isinstance(self.strategy, GpStrategy) and self.trials > MOST_GP_TRIALS:
            raise ValueError(
                f"strategy gp proposes at most {MOST_GP_TRIALS} trials, since the time of a proposal grows with their "
                f"cube, and trials is {self.trials}; use another strategy for more"
            )
        return self
