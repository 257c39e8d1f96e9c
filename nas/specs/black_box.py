"""Spec of a black-box search: space, strategy, proxy fidelity, early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from typing_extensions import TypeAliasType

from nas.specs.dense_cell_space import DenseCellSpace
from nas.specs.fidelity import Fidelity
from nas.specs.fields import SearchId
from nas.specs.job import JobSpec
from search_spaces.base import StrictModel


class RandomStrategy(StrictModel):
    """Uniform random search without repeating an architecture."""

    name: Literal["random"] = "random"


class DpcStrategy(StrictModel):
    """Random search that also samples near the best cells so far (DPC, section 3.3).

    The first `startup` proposals are uniform; trials of a `warm_start` count among them. Each later one is, with
    probability `near_best`, a mutation of one of the `pool` cells with the highest scores, otherwise uniform.
    """

    name: Literal["dpc"] = "dpc"
    near_best: Annotated[float, Field(ge=0, le=1)] = 0.5
    pool: Annotated[int, Field(ge=1, le=1000)] = 5
    startup: Annotated[int, Field(ge=1)] = 8


class TpeStrategy(StrictModel):
    """Tree-structured Parzen estimator (Optuna) over the choices of a cell; pruned trials do not count as completed."""

    name: Literal["tpe"] = "tpe"
    startup: Annotated[int, Field(ge=1)] = 10


Strategy = TypeAliasType("Strategy", Annotated[RandomStrategy | DpcStrategy | TpeStrategy, Field(discriminator="name")])


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
    # Both are left out of every dump while they are the default, so that specs written before them keep their keys.
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

    @model_validator(mode="after")
    def _space_fits(self) -> Self:
        for path, fidelity in self.fidelities.items():
            self.space.check_levels(path, fidelity)
            self.space.check_limit(path, fidelity)
        return self
