"""Cells of a list as a space: strategies propose its cells only, the nearest to what they have put together."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.specs import DenseCellSpace, DpcStrategy, RandomStrategy, TpeStrategy
from nas.strategies import Observation, SpaceExhausted, build_strategy
from nas.strategies.distance import CellDistances
from nas.strategies.listed import ListedSpace
from search_spaces.dense_cell.architecture import (
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    Operator,
    PyramidPooling,
)
from search_spaces.dense_cell.space import mutate, sample
from search_spaces.document import canonical
from search_spaces.units import GloRe
from tests.builders import black_box_spec, dense_cell

POINT, SMALL, LARGE = Conv1x1(), AtrousSeparable(rate=(1, 1)), AtrousSeparable(rate=(21, 21))


def cell(*branches: tuple[int, Operator], **changes: object) -> DenseCell:
    made = tuple(Branch(input=source, operator=operator) for source, operator in branches)
    return DenseCell(branches=made, **changes)


def distance(one: DenseCell, other: DenseCell) -> float:
    return float(CellDistances([other]).to(one)[0])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (cell((-1, POINT)), cell((-1, POINT)), 0.0),
        (cell((-1, POINT)), cell((-1, SMALL)), 0.5),  # another kind of operator, the same input
        (cell((-1, SMALL)), cell((-1, LARGE)), 0.5),  # as far apart as rates can be
        (cell((-1, SMALL)), cell((-1, AtrousSeparable(rate=(1, 3)))), 1 / 28),  # one step of fourteen
        (cell((-1, PyramidPooling(grid=(1, 1)))), cell((-1, PyramidPooling(grid=(8, 1)))), 0.25),
        (cell((-1, GloRe(nodes=32))), cell((-1, GloRe(nodes=64))), 0.25),
        (cell((-1, POINT), (0, SMALL)), cell((-1, POINT), (-1, SMALL)), 0.5),  # one input
        (cell((-1, POINT), (0, SMALL)), cell((-1, LARGE), (0, SMALL)), 1.0),  # an operator that another branch reads
        (cell((-1, POINT), (-1, SMALL)), cell((-1, SMALL), (-1, POINT)), 0.0),  # the order does not matter
        (cell((-1, POINT), (-1, SMALL)), cell((-1, POINT)), 1.0),  # a branch more
        (cell((-1, POINT), channels=32), cell((-1, POINT), channels=64), 1.0),  # an octave
        (cell((-1, POINT), levels=(8, 16)), cell((-2, POINT), levels=(8, 16)), 0.5),  # another map
    ],
)
def test_distances_by_hand(one, other, expected):
    assert distance(one, other) == pytest.approx(expected)
    assert distance(other, one) == pytest.approx(expected)


@settings(max_examples=30)
@given(seeds=st.tuples(*[st.integers(0, 10**6)] * 3))
def test_distances_are_those_of_a_metric_on_random_cells(seeds):
    a, b, c = (sample(4, random.Random(seed), "extended") for seed in seeds)
    ab, bc, ac = distance(a, b), distance(b, c), distance(a, c)
    assert distance(a, a) == 0
    assert ab == pytest.approx(distance(b, a))
    assert ac <= ab + bc + 1e-9
    assert 0 <= ab <= 4


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_the_pairing_of_branches_is_the_best_of_all(seed):
    rng = random.Random(seed)
    one, other = sample(3, rng), sample(3, rng)
    table = CellDistances([other])
    # Three branches, written apart: distances of single pairs come from cells in which nothing else differs.
    best = min(sum(pair(one, i, other, j) for i, j in enumerate(order)) for order in itertools.permutations(range(3)))
    assert table.to(one)[0] == pytest.approx(best)


def pair(one: DenseCell, i: int, other: DenseCell, j: int) -> float:
    """Distance of two branches: of their operators, and of what they read."""
    a, b = one.branches[i], other.branches[j]
    operators = 2 * distance(cell((-1, a.operator)), cell((-1, b.operator)))
    if a.input < 0 or b.input < 0:
        inputs = float(a.input != b.input)
    else:
        read = one.branches[a.input].operator, other.branches[b.input].operator
        inputs = 2 * distance(cell((-1, read[0])), cell((-1, read[1])))
    return (operators + inputs) / 2


def test_a_space_has_the_cells_of_the_list_that_are_in_the_spec():
    cells = [dense_cell(0), dense_cell(0), dense_cell(1, 3), sample(5, random.Random(3), channels=(32,))]
    assert ListedSpace.of(DenseCellSpace(), cells).listed == (dense_cell(0),)
    assert ListedSpace.of(DenseCellSpace(branches=3), cells).listed == (dense_cell(1, 3),)
    assert ListedSpace.of(DenseCellSpace(channels=(32, 64)), cells).listed == (cells[3],)
    glore = cell((-1, GloRe(nodes=32)))
    assert ListedSpace.of(DenseCellSpace(branches=1, operators="extended"), [glore]).most == 1
    with pytest.raises(ValueError, match="none of the listed cells is in the space of 1 branch and plain operators"):
        ListedSpace.of(DenseCellSpace(branches=1), [glore])
    with pytest.raises(ValueError, match=r"cannot have space\.limit"):
        ListedSpace.of(DenseCellSpace.model_validate({"limit": {"parameters": 10**6}}), cells)


def test_the_nearest_cell_is_the_one_with_the_smallest_distance_that_is_not_known():
    space = ListedSpace.of(DenseCellSpace(), (dense_cell(number) for number in range(30)))
    rng = random.Random(0)
    for _ in range(10):
        wanted = sample(5, rng)
        distances = CellDistances(space.listed).to(wanted)
        order = [space.listed[index] for index in np.argsort(distances, kind="stable")]
        assert space.nearest(wanted, set()) == order[0]
        assert space.nearest(wanted, set(order[:3])) == order[3]
    assert space.nearest(space.listed[7], set()) == space.listed[7]


def test_a_mutation_of_a_listed_cell_stands_for_a_near_one_not_for_any():
    space = ListedSpace.of(DenseCellSpace(), (dense_cell(number) for number in range(60)))
    rng = random.Random(1)
    for parent in space.listed[:8]:
        distances = CellDistances(space.listed).to(parent)
        chosen = space.nearest(mutate(parent, rng), {parent})
        assert distances[space.listed.index(chosen)] < np.median(distances)


@pytest.mark.parametrize("strategy", [RandomStrategy(), DpcStrategy(startup=4), TpeStrategy(startup=4)])
def test_a_strategy_finds_every_cell_once_and_says_when_none_is_left(strategy):
    space = ListedSpace.of(DenseCellSpace(), (dense_cell(number) for number in range(15)))
    asked = build_strategy(black_box_spec(strategy), space)
    found = []
    for number in range(15):
        found.append(asked.ask(number))
        asked.tell(Observation(number, canonical(found[-1]), "completed", number / 15, 100))
    assert set(found) == set(space.listed)
    with pytest.raises(SpaceExhausted, match="only 15 architectures"):
        asked.ask(15)


@pytest.mark.parametrize("strategy", [DpcStrategy(startup=4), TpeStrategy(startup=4)])
def test_restored_in_the_list_it_goes_on_as_if_it_had_lived_on(strategy):
    space = ListedSpace.of(DenseCellSpace(), (dense_cell(number) for number in range(30)))
    spec = black_box_spec(strategy, seed=3)
    lived, told = build_strategy(spec, space), []
    for number in range(12):
        told.append(Observation(number, canonical(lived.ask(number)), "completed", number % 5 / 5, 100))
        lived.tell(told[-1])
    restored = build_strategy(spec, space)
    restored.restore(told)
    assert restored.ask(12) == lived.ask(12)
