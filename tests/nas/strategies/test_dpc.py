import pytest

from nas.specs import DenseCellSpace, DpcStrategy
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.dpc import NearBestSearch
from nas.strategies.random_search import RandomSearch
from search_spaces.dense_cell.architecture import DenseCell


def differences(a: DenseCell, b: DenseCell) -> int:
    pairs = list(zip(a.branches, b.branches, strict=True))
    return sum(x.input != y.input for x, y in pairs) + sum(x.operator != y.operator for x, y in pairs)


def search(near_best=1.0, pool=1, startup=4, branches=5, seed=0) -> NearBestSearch[DenseCell]:
    strategy = DpcStrategy(near_best=near_best, pool=pool, startup=startup)
    return NearBestSearch(CellSpace(DenseCellSpace(branches=branches)), seed, strategy)


def told(strategy: NearBestSearch[DenseCell], ends: list[tuple[str, float | None, int | None]]) -> list[DenseCell]:
    asked = [strategy.ask(number) for number in range(len(ends))]
    for number, (status, score, iteration) in enumerate(ends):
        strategy.tell(Observation(number, asked[number], status, score, iteration))
    return asked


def test_the_best_is_the_one_that_got_furthest_then_the_best_scored():
    strategy = search()
    asked = told(
        strategy, [("pruned", 0.9, 10), ("completed", 0.3, 90), ("completed", 0.4, 90), ("failed", None, None)]
    )
    for number in range(4, 24):
        assert differences(strategy.ask(number), asked[2]) == 1


def test_trials_that_were_stopped_or_failed_are_no_parents():
    strategy = search()
    asked = told(strategy, [("stopped", 0.9, 90), ("failed", None, None), ("pruned", 0.1, 10), ("running", 0.8, 90)])
    assert {differences(strategy.ask(number), asked[2]) for number in range(4, 12)} == {1}


def test_a_tie_goes_to_the_earlier_trial():
    strategy = search()
    asked = told(strategy, [("completed", 0.5, 90)] * 4)
    assert {differences(strategy.ask(number), asked[0]) for number in range(4, 12)} == {1}


def test_an_unjudged_cell_is_a_parent_only_where_it_holds_its_own():
    """0 passed the first rung unjudged and is the worst at the last; 1 was judged on its way there; 2 was stopped."""
    strategy = search(pool=2, startup=3)
    asked = [strategy.ask(number) for number in range(3)]
    strategy.tell(Observation(0, asked[0], "completed", 0.3, 90, unjudged=(10, 0.1)))
    strategy.tell(Observation(1, asked[1], "completed", 0.5, 90))
    strategy.tell(Observation(2, asked[2], "pruned", 0.4, 10))
    proposed = [strategy.ask(number) for number in range(3, 43)]
    assert not any(differences(cell, asked[0]) == 1 for cell in proposed)
    strategy.tell(Observation(3, proposed[0], "completed", 0.2, 90))  # judged, and worse than 0 at the last rung
    assert any(differences(strategy.ask(number), asked[0]) == 1 for number in range(43, 63))


def test_parents_come_evenly_from_the_pool_and_it_moves_with_the_scores():
    strategy = search(pool=2)
    asked = told(strategy, [("completed", score, 90) for score in (0.1, 0.2, 0.3, 0.4)])
    near = [[differences(strategy.ask(number), parent) == 1 for parent in asked] for number in range(4, 204)]
    counts = [sum(column) for column in zip(*near, strict=True)]
    assert counts[0] == counts[1] == 0
    assert counts[2] + counts[3] == 200
    assert 70 <= counts[2] <= 130  # 4 standard deviations around 100
    best = strategy.ask(204)
    strategy.tell(Observation(204, best, "completed", 0.9, 90))
    assert any(differences(strategy.ask(number), best) == 1 for number in range(205, 225))


@pytest.mark.parametrize("near_best", [0.0, 0.25, 1.0])
def test_it_samples_near_the_best_with_the_given_probability(near_best):
    strategy = search(near_best=near_best)
    asked = told(strategy, [("completed", score, 90) for score in (0.1, 0.2, 0.3, 0.4)])
    # A uniform cell is one difference away with a probability of about 1e-7; the parent has some 400 neighbours.
    near = sum(differences(strategy.ask(number), asked[3]) == 1 for number in range(4, 204))
    assert abs(near - 200 * near_best) <= 4 * (200 * near_best * (1 - near_best)) ** 0.5


def test_the_first_proposals_and_those_without_any_score_are_uniform():
    uniform = RandomSearch(CellSpace(DenseCellSpace()), 0)
    strategy = search(startup=6)
    assert told(strategy, [("completed", 0.5, 90)] * 6) == [uniform.ask(number) for number in range(6)]
    blind = search()
    assert [blind.ask(number) for number in range(6)] == [uniform.ask(number) for number in range(6)]


def test_when_every_neighbour_is_known_it_looks_elsewhere():
    strategy = search(branches=2, startup=1)
    (best,) = told(strategy, [("completed", 0.9, 90)])
    # 80 operators for either branch and one other input: 161 neighbours, all asked for before the walk goes on.
    near = [differences(strategy.ask(number), best) == 1 for number in range(1, 301)]
    assert 150 <= sum(near) <= 161
    assert not all(near)
