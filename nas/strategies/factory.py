"""Build the search strategy that a spec names, over the space that it names."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from nas.specs import (
    AutoDeepLabSpace,
    BlackBoxSpec,
    DenseCellSpace,
    DpcStrategy,
    EvolutionStrategy,
    Fidelity,
    GpStrategy,
    Nsga2Strategy,
    RandomStrategy,
    ReinforceStrategy,
    TpeStrategy,
)
from nas.specs import Space as SpaceSpec
from nas.strategies.base import SearchStrategy
from nas.strategies.cells import CellSpace
from nas.strategies.dpc import NearBestSearch
from nas.strategies.evolution import EvolutionSearch
from nas.strategies.networks import NetworkSpace
from nas.strategies.nsga2 import Nsga2Search
from nas.strategies.random_search import RandomSearch
from nas.strategies.spaces import Space


def build_space(spec: SpaceSpec, fidelity: Fidelity) -> Space[Any]:
    """Make the space in which a strategy searches.

    Args:
        spec: As a search describes it, by `BlackBoxSpec.space_at` where its constraints shall count.
        fidelity: Where a limit is counted.
    """
    match spec:
        case DenseCellSpace():
            return CellSpace.at(spec, fidelity)
        case AutoDeepLabSpace():
            return NetworkSpace.at(spec, fidelity)
    raise AssertionError(spec.kind)


def build_strategy(  # noqa: PLR0911  one for each strategy
    spec: BlackBoxSpec, space: Space[Any] | None = None
) -> SearchStrategy:
    """Build the strategy of a search, with the spec's seed; `start` is not enqueued yet.

    Args:
        spec: The search.
        space: Where to search; None for all of the spec's space.

    Raises:
        ValueError: The strategy needs torch, which is not installed.
    """
    space = space or build_space(spec.space_at(spec.fidelity), spec.fidelity)
    match spec.strategy:
        case RandomStrategy():
            return RandomSearch(space, spec.seed)
        case DpcStrategy() as strategy:
            return NearBestSearch(space, spec.seed, strategy)
        case EvolutionStrategy() as strategy:
            return EvolutionSearch(space, spec.seed, strategy)
        case Nsga2Strategy() as strategy:
            return Nsga2Search(space, spec.seed, strategy)
        case TpeStrategy() as strategy:
            from nas.strategies.tpe import TpeSearch  # Optuna costs a second to import, and torch more

            return TpeSearch(space, spec.seed, strategy)
        case GpStrategy() as strategy:
            from nas.strategies.gp import GpSearch  # numpy and scipy: the service needs neither

            return GpSearch(space, spec.seed, strategy)
        case ReinforceStrategy() as strategy:
            _require_torch(strategy.name)
            from nas.strategies.reinforce import ReinforceSearch

            return ReinforceSearch(space, spec.seed, strategy)


def _require_torch(name: str) -> None:
    if find_spec("torch") is None:
        raise ValueError(f"strategy {name} needs torch, which is not installed here: pip install 'segnas[worker]'")
