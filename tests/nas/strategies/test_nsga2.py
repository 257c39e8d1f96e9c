import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.specs import DenseCellSpace, EvolutionStrategy, Nsga2Strategy
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.evolution import EvolutionSearch
from nas.strategies.nsga2 import Nsga2Search, _eligible, _Member, _ordered
from search_spaces.dense_cell.architecture import AtrousSeparable, DenseCell
from tests.builders import dense_cell

PAPER = CellSpace(DenseCellSpace())


def member(number: int, *values: float) -> _Member[DenseCell]:
    return _Member(values, number, dense_cell(number))


def test_members_are_ordered_by_front_then_crowding_then_age():
    members = [
        member(0, 0.5, -5.0),  # in the second front
        member(1, 0.9, -9.0),  # an end of the first
        member(2, 0.6, -1.0),  # the other end
        member(3, 0.8, -7.0),  # the first front's middle: it has more room than the next
        member(4, 0.85, -8.0),
        member(5, 0.1, -9.5),  # dominated by all others
    ]
    # Crowding of 3: (0.85 - 0.6) / 0.3 + (8 - 1) / 8; of 4: (0.9 - 0.8) / 0.3 + (9 - 7) / 8.
    assert [one.number for one in _ordered(members, 10)] == [1, 2, 3, 4, 0, 5]
    assert [one.number for one in _ordered(members[::-1], 3)] == [1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=40), st.integers(1, 6))
def test_who_is_dropped_would_never_be_in_the_population(found, most):
    members = [member(number, float(one), float(other)) for number, (one, other) in enumerate(found)]
    kept = _eligible(members, most)
    assert _ordered(kept, most) == _ordered(members, most)


def test_a_child_has_each_branch_of_one_of_two_cells():
    one, other = dense_cell(1), dense_cell(2)
    child = PAPER.mix(one, other, random.Random(0))
    pairs = zip(child.branches, one.branches, other.branches, strict=True)
    assert all(branch in (first, second) for branch, first, second in pairs)
    assert child not in (one, other)


def test_until_the_population_is_there_it_is_uniform():
    searches = [Nsga2Search(PAPER, seed, Nsga2Strategy(population=4)) for seed in (0, 0)]
    for number in range(4):
        assert searches[0].ask(number) == searches[1].ask(number)
        searches[0].tell(Observation(number, searches[0].ask(number), "completed", 0.5, 90, values=(0.5, -1.0)))
    assert searches[0].ask(4) != searches[1].ask(4)


def objectives(cell: DenseCell) -> tuple[float, float]:
    """Two objectives at odds: as many separable convolutions as possible, and rates as small as possible."""
    rates = [sum(b.operator.rate) if isinstance(b.operator, AtrousSeparable) else 42 for b in cell.branches]
    good = sum(isinstance(branch.operator, AtrousSeparable) for branch in cell.branches) / len(cell.branches)
    return good, -float(sum(rates))


def hypervolume(found: list[tuple[float, float]]) -> float:
    """The area that the results dominate, above no separable convolution and rates of 300 in all."""
    area, beyond = 0.0, -300.0
    for one, other in sorted(set(found), reverse=True):
        if other > beyond:
            area, beyond = area + one * (other - beyond), other
    return area


@pytest.mark.slow
def test_it_finds_a_better_pareto_set_than_evolution_of_the_first_objective():
    """Mean area over five seeds, of 150 trials each."""
    areas = {"nsga2": 0.0, "evolution": 0.0, "random": 0.0}
    for seed in range(5):
        for name in areas:
            search = (
                Nsga2Search(PAPER, seed, Nsga2Strategy())
                if name == "nsga2"
                else EvolutionSearch(PAPER, seed, EvolutionStrategy(population=20 if name == "evolution" else 1000))
            )
            found = []
            for number in range(150):
                cell = search.ask(number)
                found.append(objectives(cell))
                search.tell(Observation(number, cell, "completed", found[-1][0], 90, values=found[-1]))
            areas[name] += hypervolume(found) / 5
    assert areas["nsga2"] > 1.02 * areas["evolution"], areas
    assert areas["nsga2"] > 1.02 * areas["random"], areas
