"""The contract on every strategy; and every check of the contract on a strategy that breaks it."""

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from nas.specs import (
    DenseCellSpace,
    DpcStrategy,
    EvolutionStrategy,
    GpStrategy,
    Nsga2Strategy,
    ReinforceStrategy,
    TpeStrategy,
)
from nas.strategies.base import Observation, SearchStrategy, SpaceStrategy
from nas.strategies.cells import CellSpace
from nas.strategies.contract import StrategyContract
from nas.strategies.dpc import NearBestSearch
from nas.strategies.evolution import EvolutionSearch
from nas.strategies.gp import GpSearch
from nas.strategies.nsga2 import Nsga2Search
from nas.strategies.random_search import RandomSearch
from nas.strategies.spaces import Space
from nas.strategies.tpe import TpeSearch
from search_spaces.changes import MutationKind
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture


class TestRandom(StrategyContract):
    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return RandomSearch(space, seed)


class TestDpc(StrategyContract):
    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return NearBestSearch(space, seed, DpcStrategy(near_best=0.7, pool=3, startup=4))


class TestDpcByKinds(StrategyContract):
    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        kinds: tuple[MutationKind, ...] = ("operator", "neighbour", "input", "level", "width")
        return NearBestSearch(space, seed, DpcStrategy(near_best=0.7, pool=3, startup=4, mutations=kinds))


class TestEvolution(StrategyContract):
    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return EvolutionSearch(space, seed, EvolutionStrategy(population=6, sample=3))


class TestNsga2(StrategyContract):
    """With one objective and with two: the contract's own trials have one."""

    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return Nsga2Search(space, seed, Nsga2Strategy(population=6))


class TestNsga2OfTwoObjectives(TestNsga2):
    def ending(self, number: int, cell: Architecture) -> Observation:
        made = super().ending(number, cell)
        cost = random.Random(-number).random()
        return made if made.score is None else replace(made, values=(made.score, -cost))

    # These two make up results of one objective among those of two, which no search has.
    test_scores_of_different_rungs_are_not_compared = None  # type: ignore[assignment]
    test_the_order_of_parts_makes_no_other_architecture = None  # type: ignore[assignment]

    def _told(self, ends: Any) -> SearchStrategy:
        def valued(number: int, end: Observation) -> Iterable[Observation]:
            for one in ends(number, end):
                yield replace(one, values=() if one.score is None else (one.score, -random.Random(-number).random()))

        return super()._told(valued)


@pytest.mark.slow  # torch
class TestReinforce(StrategyContract):
    asks, trials, workers = 40, 24, 64

    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        from nas.strategies.reinforce import ReinforceSearch  # torch: seconds

        return ReinforceSearch(space, seed, ReinforceStrategy(learning_rate=0.02))


class TestGp(StrategyContract):
    asks, trials, workers = 40, 16, 64

    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return GpSearch(space, seed, GpStrategy(startup=4))


@pytest.mark.slow
class TestConditionalTpe(StrategyContract):
    asks, trials, workers = 30, 14, 32

    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return TpeSearch(space, seed, TpeStrategy(startup=4, conditional=True))


@pytest.mark.slow
class TestTpeWithoutLiarOrJointModel(StrategyContract):
    asks, trials, workers = 30, 14, 32

    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return TpeSearch(space, seed, TpeStrategy(startup=4, multivariate=False, constant_liar=False))


class TestTpe(StrategyContract):
    asks, trials, workers = 40, 16, 64

    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return TpeSearch(space, seed, TpeStrategy(startup=4))


class FewScores(StrategyContract):
    """Only the first trials have a score: the time of a proposal grows with their number."""

    def ending(self, number: int, cell: Architecture) -> Observation:
        return super().ending(number, cell) if number < 400 else Observation(number, cell, "failed")


class ReinforceOfFewScores(FewScores, TestReinforce):
    pass


class TpeOfFewScores(FewScores, TestTpe):
    pass


class ConditionalTpeOfFewScores(FewScores, TestConditionalTpe):
    pass


class GpOfFewScores(FewScores, TestGp):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contract", "asks"),
    [
        (TestRandom, 10_000),
        (TestDpc, 2_000),
        (TestEvolution, 2_000),
        (TestNsga2OfTwoObjectives, 1_000),
        (ReinforceOfFewScores, 500),
        (TpeOfFewScores, 500),
    ],
)
def test_many_asks(contract, asks):
    _ask(contract, asks)


# The controller writes a cell in 0.05 s; Optuna looks at all trials for each parameter, and makes 10,000 proposals of
# flat ones in 142 CPU seconds. All of these take half an hour on a busy machine.
@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("contract", "asks"),
    [
        (TestDpc, 10_000),
        (TestDpcByKinds, 10_000),
        (TestEvolution, 10_000),
        (TestNsga2OfTwoObjectives, 10_000),
        (ReinforceOfFewScores, 10_000),
        (TpeOfFewScores, 10_000),
        (ConditionalTpeOfFewScores, 2_000),
        (GpOfFewScores, 2_000),
    ],
)
def test_thousands_of_asks(contract, asks):
    _ask(contract, asks)


def _ask(contract, asks) -> None:
    suite = contract()
    suite.asks = asks
    suite.test_proposals_belong_to_the_space_and_none_repeats()


class Learner(SpaceStrategy[DenseCell]):
    """Mutates the cell of the best score, told in whatever order; keeps the contract."""

    def __init__(self, space: CellSpace, seed: int) -> None:
        super().__init__(space, seed)
        self.told: list[Observation] = []

    def _learn(self, observation: Observation) -> None:
        if observation.scored:
            self.told.append(observation)

    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        if not self.told:
            return None
        best = max(self.told, key=lambda seen: (seen.iteration, seen.score, seen.number)).architecture
        assert isinstance(best, DenseCell)
        mutants = (self._space.mutate(best, rng) for _ in range(100))
        return next((cell for cell in mutants if cell is not None and self._is_new(cell)), None)


class OtherSpace(Learner):
    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        return CellSpace(DenseCellSpace(branches=4)).sample(rng)


class Repeats(Learner):
    def _is_new(self, cell: DenseCell) -> bool:
        return self._space.admits(cell)


class IgnoresTheLimit(Learner):
    def _is_new(self, cell: DenseCell) -> bool:
        return cell not in self._seen


class OtherOrderIsNew(Learner):
    def _is_new(self, cell: DenseCell) -> bool:
        return all(cell.branches != seen.branches for seen in self._seen)


class DrawsAgain(Learner):
    def ask(self, number: int) -> DenseCell:
        self._proposed.pop(number, None)
        return super().ask(number)


class WaitsForTheFirst(Learner):
    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        assert number < 64 or self.told, "no result to learn from"
        return super()._propose(number, rng)


class NeverEnds(Learner):
    def ask(self, number: int) -> DenseCell:
        return super().ask(number) if len(self._seen) < self._space.most else next(iter(self._seen))


class OneGenerator(Learner):
    """Its generator lives from ask to ask, so a restored strategy has another one."""

    def __init__(self, space: CellSpace, seed: int) -> None:
        super().__init__(space, seed)
        self.rng = random.Random(seed)

    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        return super()._propose(number, self.rng)


class SameForAllSeeds(Learner):
    def __init__(self, space: CellSpace, seed: int) -> None:
        super().__init__(space, 0)


class LearnsItsOwnForm(Learner):
    """Mutates the cell as it was proposed, whose branches may be in another order than in the record."""

    def tell(self, observation: Observation) -> None:
        cell = self._proposed.get(observation.number, observation.architecture)
        super().tell(
            Observation(observation.number, cell, observation.status, observation.score, observation.iteration)
        )


class LearnsFromTheLast(Learner):
    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        self.told = self.told[-1:]
        return super()._propose(number, rng)


class NeedsAScore(Learner):
    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        assert self.told or not self._ended, "no trial has a score"
        return super()._propose(number, rng)


class TakesTheLastEnd(Learner):
    def tell(self, observation: Observation) -> None:
        self._ended.discard(observation.number)
        super().tell(observation)


class LearnsFromFailures(Learner):
    def _learn(self, observation: Observation) -> None:
        if observation.score is not None:
            self.told.append(observation)


class MixesRungs(Learner):
    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        self.told = sorted(self.told, key=lambda seen: (seen.score, seen.number))[-1:]
        return super()._propose(number, rng)


class GlobalGenerator(Learner):
    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        return super()._propose(number, random.Random(random.random()))


class QueueInTheEnd(Learner):
    def _next_queued(self) -> DenseCell | None:
        return None


class QueueByNumber(Learner):
    """Proposes the queue's cell of the trial's number, also where an earlier one is known already."""

    def enqueue(self, architectures: Iterable[Architecture]) -> None:
        self.cells = [cell for cell in architectures if isinstance(cell, DenseCell)]

    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        queue = getattr(self, "cells", [])
        return queue[number] if number < len(queue) else super()._propose(number, rng)


class TestLearner(StrategyContract):
    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        assert isinstance(space, CellSpace)
        return Learner(space, seed)


class TestTheSuite:
    """A check that no strategy could fail would be worth nothing."""

    broken: ClassVar = {
        OtherSpace: ["test_proposals_belong_to_the_space_and_none_repeats"],
        Repeats: [
            "test_proposals_belong_to_the_space_and_none_repeats",
            "test_what_runs_or_has_ended_is_not_proposed_and_the_space_ends",
        ],
        IgnoresTheLimit: ["test_proposals_belong_to_the_space_and_none_repeats"],
        OtherOrderIsNew: ["test_the_order_of_parts_makes_no_other_architecture"],
        DrawsAgain: ["test_a_number_asked_again_has_the_same_architecture"],
        WaitsForTheFirst: ["test_all_workers_may_ask_before_the_first_tell"],
        NeverEnds: ["test_what_runs_or_has_ended_is_not_proposed_and_the_space_ends"],
        OneGenerator: ["test_restored_in_the_middle_it_proposes_the_same"],
        SameForAllSeeds: ["test_equal_histories_give_equal_proposals_and_seeds_differ"],
        LearnsItsOwnForm: ["test_restored_in_the_middle_it_proposes_the_same"],
        LearnsFromTheLast: ["test_the_order_of_tells_does_not_matter"],
        TakesTheLastEnd: ["test_a_second_end_is_ignored"],
        LearnsFromFailures: ["test_failed_and_stopped_trials_have_no_score"],
        NeedsAScore: ["test_a_search_in_which_all_trials_fail_goes_on"],
        MixesRungs: ["test_scores_of_different_rungs_are_not_compared"],
        GlobalGenerator: [
            "test_generators_of_the_process_are_neither_read_nor_moved",
            "test_equal_histories_give_equal_proposals_and_seeds_differ",
        ],
        QueueInTheEnd: ["test_enqueued_architectures_come_first_and_once"],
        QueueByNumber: ["test_enqueued_architectures_come_first_and_once"],
    }

    @pytest.mark.parametrize(
        ("strategy", "check"), [(kind, check) for kind, checks in broken.items() for check in checks]
    )
    def test_a_broken_strategy_fails(self, strategy, check):
        class Suite(StrategyContract):
            def build(self, space: Space[Any], seed: int) -> SearchStrategy:
                broken: SearchStrategy = strategy(space, seed)
                return broken

        with pytest.raises(AssertionError):
            getattr(Suite(), check)()

    def test_every_check_is_failed_by_one(self):
        checks = {name for name in dir(StrategyContract) if name.startswith("test_")}
        assert checks == {check for named in self.broken.values() for check in named}

    def test_it_needs_no_pytest_and_asks_for_a_build(self):
        with pytest.raises(NotImplementedError, match="builds its strategy in build"):
            StrategyContract().test_a_number_asked_again_has_the_same_architecture()
