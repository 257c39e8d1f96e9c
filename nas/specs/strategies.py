"""Search strategies by name, with their parameters.

Of several objectives `nsga2` learns from all, and every other strategy from the first one alone.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import TypeAliasType

from search_spaces.base import StrictModel
from search_spaces.changes import MutationKind


def _each_once(kinds: tuple[MutationKind, ...] | None) -> tuple[MutationKind, ...] | None:
    if kinds is not None and len(set(kinds)) < len(kinds):
        twice = next(kind for kind in kinds if kinds.count(kind) > 1)
        raise ValueError(f"{twice} is named twice; each kind is drawn as often as any other")
    return kinds


Mutations = Annotated[
    Annotated[tuple[MutationKind, ...], Field(min_length=1)] | None,
    AfterValidator(_each_once),
    Field(
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda kinds: kinds is None,
        description="What a mutation changes, each kind equally likely. Of a cell: operator (of a branch, to any "
        "other), neighbour (a rate or a number of bins, to the next), input (of a branch, to any other), level (the "
        "feature map that a branch reads), width. Of a network: operator and input (of an edge), path (the level of a "
        "layer). null: of a cell a branch, or the width where it is a choice, drawn first, then its input or operator; "
        "of a network all of its kinds.",
    ),
]


class RandomStrategy(StrictModel):
    """Uniform random search without repeating an architecture."""

    name: Literal["random"] = "random"


class DpcStrategy(StrictModel):
    """Random search that also samples near the best architectures so far (DPC, section 3.3).

    The first `startup` proposals are uniform; trials of a `warm_start` count among them. Each later one is, with
    probability `near_best`, a mutation of one of the `pool` cells with the highest scores, otherwise uniform.
    """

    name: Literal["dpc"] = "dpc"
    near_best: Annotated[float, Field(ge=0, le=1)] = 0.5
    pool: Annotated[int, Field(ge=1, le=1000)] = 5
    startup: Annotated[int, Field(ge=1)] = 8
    mutations: Mutations = None


class EvolutionStrategy(StrictModel):
    """Regularised evolution (Real et al., AAAI 2019): mutations of the best of a few of a population that ages.

    The population is the `population` youngest trials with a score. Each proposal draws `sample` of them with
    replacement and mutates the best. Until `population` trials were proposed, proposals are uniform; `start` and trials
    of a `warm_start` count among them. The paper has 100 and 25, for 20,000 trials.
    """

    name: Literal["evolution"] = "evolution"
    population: Annotated[int, Field(ge=2, le=10_000)] = 20
    sample: Annotated[int, Field(ge=1, le=10_000)] = 5
    mutations: Mutations = None

    @model_validator(mode="after")
    def _sample_of_the_population(self) -> Self:
        if self.sample > self.population:
            raise ValueError(f"sample is {self.sample}, more than the population of {self.population}; make it smaller")
        return self


class Nsga2Strategy(StrictModel):
    """NSGA-II (Deb et al. 2002), for several objectives: crossover and mutation of those that few others dominate.

    The population is the best `population` of all trials with a score: by front of domination, within a front by
    crowding distance. Until `population` trials were proposed, proposals are uniform; `start` and trials of a
    `warm_start` count among them.
    """

    name: Literal["nsga2"] = "nsga2"
    population: Annotated[int, Field(ge=2, le=10_000)] = 20
    crossover: Annotated[float, Field(ge=0, le=1)] = Field(
        0.9, description="Probability with which a proposal mixes the parts of two architectures before it is mutated."
    )
    mutations: Mutations = None


class TpeStrategy(StrictModel):
    """Tree-structured Parzen estimator (Optuna) over the choices made; pruned trials do not count as completed."""

    # The fields after `startup` are left out of every dump while they are the default, so that specs written before
    # they were there keep their keys.
    name: Literal["tpe"] = "tpe"
    startup: Annotated[int, Field(ge=1)] = 10
    multivariate: bool = Field(
        True,
        exclude_if=lambda multivariate: multivariate,
        description="true models all choices of a cell jointly, false each choice by itself.",
    )
    constant_liar: bool = Field(
        True,
        exclude_if=lambda constant_liar: constant_liar,
        description="true counts trials in flight as bad, so that concurrent proposals differ; false ignores them.",
    )
    conditional: bool = Field(
        False,
        exclude_if=lambda conditional: not conditional,
        description="false models the operator of a branch as one of 81 values without an order. true models its type "
        "and, apart for each type, its sizes as ordered numbers, so that neighbouring rates inform each other. Of a "
        "network, false models each step of its path, true the step that it takes at each node of the trellis.",
    )


class GpStrategy(StrictModel):
    """Gaussian process over whole architectures, which are similar where their parts are.

    It learns from ranks: of all trials with a score, in the order of leaderboards. The first `startup` trials with a
    score are uniform.
    """

    name: Literal["gp"] = "gp"
    startup: Annotated[int, Field(ge=1)] = 10


class ReinforceStrategy(StrictModel):
    """REINFORCE with an LSTM controller that writes architectures choice by choice (Zoph and Le, ICLR 2017).

    The reward of a trial is the share of the 100 trials before it that stand below it in the order of leaderboards.
    """

    name: Literal["reinforce"] = "reinforce"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        0.005, description="Of Adam, one step a trial. The paper has 0.0006, for 12,800 trials."
    )
    baseline: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.9, description="Decay of the moving average of rewards, which is subtracted from the reward."
    )
    entropy: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, description="Weight of the mean entropy of the controller's choices, which keeps it exploring."
    )


Strategy = TypeAliasType(
    "Strategy",
    Annotated[
        RandomStrategy | DpcStrategy | EvolutionStrategy | Nsga2Strategy | TpeStrategy | GpStrategy | ReinforceStrategy,
        Field(discriminator="name"),
    ],
)
