import random

import numpy as np
import pytest
from scipy.stats import norm

from nas.specs import DenseCellSpace, GpStrategy
from nas.strategies import gp
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.gp import GpSearch
from nas.strategies.listed import ListedSpace
from nas.strategies.random_search import RandomSearch
from search_spaces.dense_cell.architecture import DenseCell
from tests.nas.strategies.learning import deviations_above_chance, score

SPACE = CellSpace(DenseCellSpace(branches=3))


def searched(ends: list[tuple[str, float, int]]) -> GpSearch[DenseCell]:
    search = GpSearch(SPACE, 0, GpStrategy())
    for number, end in enumerate(ends):
        search.tell(Observation(number, SPACE.sample(random.Random(number)), *end))
    return search


def test_it_learns_quantiles_of_ranks_and_nothing_from_what_failed_or_runs():
    ends = [("completed", 0.2, 90), ("pruned", 0.9, 10), ("completed", 0.3, 90), ("failed", 0.9, 90)]
    ends += [("running", 0.9, 90), ("pruned", 0.9, 10), ("stopped", 0.9, 90)]
    numbers, values = searched(ends)._learned()
    assert numbers == [0, 1, 2, 5]
    # Of four: ranks 3, then twice the mean of 1 and 2, and 4.
    assert values == pytest.approx([norm.ppf(2.5 / 4), norm.ppf(0.25), norm.ppf(3.5 / 4), norm.ppf(0.25)])


def test_of_too_many_trials_it_learns_from_the_best_and_some_of_the_others(monkeypatch):
    monkeypatch.setattr(gp, "LEARNED", 6)
    search = searched([("completed", number / 20, 90) for number in range(20)])
    numbers, values = search._learned()
    assert numbers == [5, 11, 16, 17, 18, 19]  # 17, 18, 19, and of 16 ... 0 those at places 0, 5 and 11
    assert values == pytest.approx(norm.ppf((np.array(numbers) + 0.5) / 20))


def test_the_first_proposals_are_uniform():
    strategy, uniform = GpSearch(SPACE, 0, GpStrategy(startup=3)), RandomSearch(SPACE, 0)
    for number in range(3):
        cell = strategy.ask(number)
        assert cell == uniform.ask(number)
        strategy.tell(Observation(number, cell, "completed", 0.5, 90))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_it_learns_what_scores_well(seed):
    """Chance would give 0 deviations; mutation of the best cells gives 5 or 6 here."""
    assert deviations_above_chance(GpSearch(SPACE, seed, GpStrategy()), 100) > 12


def test_a_list_of_cells_is_searched_in_full():
    """Of 300 listed cells the best few of an easy score are found among the first 40 proposals."""
    rng = random.Random(0)
    space = ListedSpace.of(SPACE.spec, [SPACE.sample(rng) for _ in range(300)])
    best = sorted(space.listed, key=score, reverse=True)[:12]
    strategy, found = GpSearch(space, 0, GpStrategy()), []
    for number in range(40):
        found.append(strategy.ask(number))
        strategy.tell(Observation(number, found[-1], "completed", score(found[-1]), 90))
    assert len(set(found) & set(best)) >= 8


def test_proposals_in_flight_are_taken_into_account():
    """Proposals that are asked for without an answer between them are as different as any two good cells."""
    rng = random.Random(1)
    search = GpSearch(SPACE, 0, GpStrategy())
    cells = [SPACE.sample(rng) for _ in range(60)]
    search.restore(Observation(number, cell, "completed", score(cell), 90) for number, cell in enumerate(cells))
    asked = [search.ask(number) for number in range(60, 90)]
    assert len(set(asked)) == 30
    assert sum(map(score, asked)) / 30 > 0.8
    assert len({branch.operator for cell in asked for branch in cell.branches}) > 10
