"""From a spec to its strategy."""

from __future__ import annotations

from nas.spec import DpcStrategy, RandomStrategy, SearchSpec, TpeStrategy
from nas.strategies.base import SearchStrategy
from nas.strategies.dpc import NearBestSearch
from nas.strategies.random_search import RandomSearch


def build_strategy(spec: SearchSpec) -> SearchStrategy:
    """The strategy that the spec names, over its space, with its seed."""
    branches = spec.space.branches
    match spec.strategy:
        case RandomStrategy():
            return RandomSearch(branches, spec.seed)
        case DpcStrategy() as strategy:
            return NearBestSearch(branches, spec.seed, strategy)
        case TpeStrategy() as strategy:
            from nas.strategies.tpe import TpeSearch  # Optuna takes a second to import; only this one needs it

            return TpeSearch(branches, spec.seed, strategy)
