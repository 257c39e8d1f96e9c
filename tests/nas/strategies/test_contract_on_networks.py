"""The contract on every strategy that searches networks of Auto-DeepLab's space."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nas.specs import DpcStrategy, EvolutionStrategy
from nas.strategies.base import Observation, SearchStrategy, SpaceStrategy
from nas.strategies.contract import NETWORKS, OnNetworks, StrategyContract
from nas.strategies.dpc import NearBestSearch
from nas.strategies.evolution import EvolutionSearch
from nas.strategies.spaces import Space
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.changes import MutationKind
from search_spaces.document import Architecture
from tests.nas.strategies import test_contract as on_cells

KINDS: tuple[MutationKind, ...] = ("operator", "input", "path")


class TestRandom(OnNetworks, on_cells.TestRandom):
    asks = 300


class TestDpc(OnNetworks, on_cells.TestDpc):
    pass


class TestDpcByKinds(OnNetworks, StrategyContract):
    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return NearBestSearch(space, seed, DpcStrategy(near_best=0.7, pool=3, startup=4, mutations=("path", "input")))


class TestEvolution(OnNetworks, on_cells.TestEvolution):
    pass


class TestEvolutionByKinds(OnNetworks, StrategyContract):
    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return EvolutionSearch(space, seed, EvolutionStrategy(population=6, sample=3, mutations=KINDS))


class TestNsga2(OnNetworks, on_cells.TestNsga2):
    pass


class TestNsga2OfTwoObjectives(OnNetworks, on_cells.TestNsga2OfTwoObjectives):
    pass


class TestTpe(OnNetworks, on_cells.TestTpe):
    asks, trials, workers = 30, 14, 32


@pytest.mark.slow
class TestConditionalTpe(OnNetworks, on_cells.TestConditionalTpe):
    pass


@pytest.mark.slow
class TestTpeWithoutLiarOrJointModel(OnNetworks, on_cells.TestTpeWithoutLiarOrJointModel):
    pass


@pytest.mark.slow  # torch
class TestReinforce(OnNetworks, on_cells.TestReinforce):
    asks, trials, workers = 30, 24, 32


@pytest.mark.slow
class TestGp(OnNetworks, on_cells.TestGp):
    pass


class TpeOfFewScores(OnNetworks, on_cells.TpeOfFewScores):
    def ending(self, number: int, cell: Architecture) -> Observation:
        return super().ending(number, cell) if number < 60 else Observation(number, cell, "failed")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("contract", "asks"),
    [
        (TestRandom, 2_000),
        (TestDpc, 2_000),
        (TestEvolutionByKinds, 2_000),
        (TestNsga2OfTwoObjectives, 2_000),
        (TpeOfFewScores, 300),
    ],
)
def test_many_asks(contract, asks):
    on_cells._ask(contract, asks)


class Learner(SpaceStrategy[AutoDeepLab]):
    """Mutates the network of the best score; keeps the contract."""

    def __init__(self, space: Space[AutoDeepLab], seed: int) -> None:
        super().__init__(space, seed)
        self.told: list[Observation] = []

    def _learn(self, observation: Observation) -> None:
        if observation.scored:
            self.told.append(observation)

    def _propose(self, number: int, rng: random.Random) -> AutoDeepLab | None:
        if not self.told:
            return None
        best = max(self.told, key=lambda seen: (seen.iteration, seen.score, seen.number)).architecture
        mutants = (self._space.mutate(self._space.own(best), rng) for _ in range(100))
        return next((found for found in mutants if found is not None and self._is_new(found)), None)


class TestLearner(OnNetworks, StrategyContract):
    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return Learner(space, seed)


class LearnsItsOwnForm(Learner):
    """Mutates the network as it was proposed, whose blocks may be in another order than in the record."""

    def tell(self, observation: Observation) -> None:
        own = self._proposed.get(observation.number, observation.architecture)
        super().tell(Observation(observation.number, own, observation.status, observation.score, observation.iteration))


class OtherOrderIsNew(Learner):
    def _is_new(self, architecture: AutoDeepLab) -> bool:
        return all(architecture.model_dump() != seen.model_dump() for seen in self._seen)


class IgnoresTheLimit(Learner):
    def _is_new(self, architecture: AutoDeepLab) -> bool:
        return architecture not in self._seen


class OtherTrellis(Learner):
    def _propose(self, number: int, rng: random.Random) -> AutoDeepLab | None:
        return NETWORKS.sample(rng)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (LearnsItsOwnForm, "test_restored_in_the_middle_it_proposes_the_same"),
        (OtherOrderIsNew, "test_the_order_of_parts_makes_no_other_architecture"),
        (IgnoresTheLimit, "test_proposals_belong_to_the_space_and_none_repeats"),
        (OtherTrellis, "test_proposals_belong_to_the_space_and_none_repeats"),
    ],
)
def test_the_suite_finds_what_only_networks_can_break(broken, check):
    class Suite(OnNetworks, StrategyContract):
        def build(self, space: Space[Any], seed: int) -> SearchStrategy:
            strategy: SearchStrategy = broken(space, seed)
            return strategy

    with pytest.raises(AssertionError):
        getattr(Suite(), check)()
