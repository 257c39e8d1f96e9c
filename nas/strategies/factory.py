"""Build the search strategy that a spec names."""

from __future__ import annotations

from nas.specs import BlackBoxSpec, DpcStrategy, RandomStrategy, TpeStrategy
from nas.strategies.base import SearchStrategy
from nas.strategies.cells import CellSpace
from nas.strategies.dpc import NearBestSearch
from nas.strategies.random_search import RandomSearch


def build_strategy(spec: BlackBoxSpec, space: CellSpace | None = None) -> SearchStrategy:
    """Build the strategy of a search, with the spec's seed.

    Args:
        spec: The search.
        space: Where to search; None for all of the spec's space.
    """
    space = space or CellSpace.at(spec.space, spec.fidelity)
    match spec.strategy:
        case RandomStrategy():
            return RandomSearch(space, spec.seed)
        case DpcStrategy() as strategy:
            return NearBestSearch(space, spec.seed, strategy)
        case TpeStrategy() as strategy:
            from nas.strategies.tpe import TpeSearch  # Optuna costs a second to import; only TPE needs Optuna

            return TpeSearch(space, spec.seed, strategy)
