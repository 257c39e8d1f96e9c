import random
from collections.abc import Sequence

import pytest

from nas.specs import DenseCellSpace, EvolutionStrategy
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.evolution import EvolutionSearch
from nas.strategies.random_search import RandomSearch
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.mutation import neighbours
from tests.nas.strategies.test_dpc import differences

SPACE = CellSpace(DenseCellSpace())


def search(population: int = 4, sample: int = 4, **fields: object) -> EvolutionSearch[DenseCell]:
    given = {"population": population, "sample": sample, **fields}
    return EvolutionSearch(SPACE, 0, EvolutionStrategy.model_validate(given))


def told(strategy: EvolutionSearch[DenseCell], ends: Sequence[tuple[str, float | None, int | None]]) -> list[DenseCell]:
    asked = [strategy.ask(number) for number in range(len(ends))]
    for number, (status, score, iteration) in enumerate(ends):
        strategy.tell(Observation(number, asked[number], status, score, iteration))
    return asked


def parents(strategy: EvolutionSearch[DenseCell], asked: list[DenseCell], first: int, count: int = 100) -> list[int]:
    """Count how many of the next proposals are one change away from each cell."""
    found = [strategy.ask(number) for number in range(first, first + count)]
    return [sum(differences(cell, parent) == 1 for cell in found) for parent in asked]


def test_the_start_population_is_uniform():
    uniform, strategy = RandomSearch(SPACE, 0), search(population=6)
    assert told(strategy, [("completed", 0.5, 90)] * 6) == [uniform.ask(number) for number in range(6)]


def test_the_best_of_the_drawn_is_the_parent():
    """4 draws of 4 with replacement: the k-th best is their best with the probability ((5-k)^4 - (4-k)^4) / 4^4."""
    strategy = search()
    asked = told(strategy, [("completed", score, 90) for score in (0.2, 0.4, 0.1, 0.3)])
    by_rank = [parents(strategy, asked, 4, 300)[index] for index in (1, 3, 0, 2)]
    assert sum(by_rank) == 300
    for count, ways in zip(by_rank, (175, 65, 15, 1), strict=True):
        expected = 300 * ways / 256
        assert abs(count - expected) <= 4 * (expected * (1 - ways / 256)) ** 0.5 + 1


def test_a_deeper_rung_is_better_than_any_score():
    strategy = search(sample=4)
    asked = told(strategy, [("pruned", 0.9, 10), ("completed", 0.1, 90), ("pruned", 0.8, 30), ("pruned", 0.7, 10)])
    counts = parents(strategy, asked, 4, 300)
    assert counts[1] > counts[2] > counts[0] > counts[3]


def test_the_oldest_leave_however_good_they_are():
    strategy = search(population=4)
    asked = told(strategy, [("completed", 0.9, 90)] + [("completed", 0.1 * n, 90) for n in range(1, 4)])
    assert parents(strategy, asked, 4)[0] > 50
    younger = [SPACE.sample(random.Random(number)) for number in range(4)]
    for number, cell in enumerate(younger, start=200):
        strategy.tell(Observation(number, cell, "completed", 0.05, 90))
    assert sum(parents(strategy, younger, 300)) == 100


def test_a_trial_that_ends_after_younger_ones_have_filled_the_population_does_not_join():
    strategy = search(population=3, sample=3)
    asked = [strategy.ask(number) for number in range(4)]
    for number in (1, 2, 3):
        strategy.tell(Observation(number, asked[number], "completed", 0.1, 90))
    strategy.tell(Observation(0, asked[0], "completed", 0.9, 90))
    assert parents(strategy, asked, 4)[0] == 0


def test_trials_without_a_result_are_no_members():
    strategy = search()
    asked = told(strategy, [("stopped", 0.9, 90), ("failed", None, None), ("pruned", 0.1, 10), ("running", 0.8, 90)])
    assert parents(strategy, asked, 4, 20) == [0, 0, 20, 0]


def test_trials_of_other_searches_are_members_and_count_as_the_start():
    strategy = search(population=2, sample=2)
    known = [RandomSearch(SPACE, 9).ask(number) for number in range(2)]
    strategy.restore(Observation(n - 2, cell, "completed", 0.5, 90) for n, cell in enumerate(known))
    assert sum(parents(strategy, known, 0, 20)) == 20


def test_it_mutates_as_it_is_told():
    strategy = search(mutations=("neighbour",))
    asked = told(strategy, [("completed", score, 90) for score in (0.2, 0.4, 0.1, 0.3)])
    for number in range(4, 24):
        child = strategy.ask(number)
        (parent,) = (cell for cell in asked if differences(child, cell) == 1)
        ((old, new),) = (
            (a.operator, b.operator)
            for a, b in zip(parent.branches, child.branches, strict=True)
            if a.operator != b.operator
        )
        assert new in neighbours(old)


def test_a_sample_larger_than_the_population_is_refused():
    with pytest.raises(ValueError, match="sample is 9, more than the population of 8; make it smaller"):
        EvolutionStrategy(population=8, sample=9)
