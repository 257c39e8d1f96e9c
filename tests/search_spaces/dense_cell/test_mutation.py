import collections
import itertools
import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.changes import MutationKind
from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    OPERATORS,
    PUBLISHED_CELL,
    AtrousSeparable,
    Conv1x1,
    DenseCell,
    PyramidPooling,
)
from search_spaces.dense_cell.mutation import mutate_by_kind, neighbours
from search_spaces.dense_cell.space import sample
from search_spaces.units import ConstantContext, DoubleAttention, GraphConvolution

KINDS: tuple[MutationKind, ...] = tuple(kind for kind in get_args(MutationKind) if kind != "path")  # that of networks
CONV = Conv1x1()


def cell(*branches: Any, **fields: object) -> DenseCell:
    described = [{"input": source, "operator": operator} for source, operator in branches]
    return DenseCell.model_validate({"branches": described, **fields})


def mutants(parent: DenseCell, *kinds: MutationKind, draws: int = 400, **space: object) -> collections.Counter[str]:
    rng = random.Random(0)
    found = (mutate_by_kind(parent, rng, kinds, **space) for _ in range(draws))  # type: ignore[arg-type]
    return collections.Counter(mutant.model_dump_json() for mutant in found if mutant is not None)


def written(*cells: DenseCell) -> set[str]:
    return {each.model_dump_json() for each in cells}


def test_neighbours_by_hand():
    assert neighbours(CONV) == neighbours(ConstantContext()) == ()
    assert set(neighbours(AtrousSeparable(rate=(1, 6)))) == {
        AtrousSeparable(rate=rate) for rate in ((3, 6), (1, 3), (1, 9))
    }
    assert set(neighbours(AtrousSeparable(rate=(21, 21)))) == {AtrousSeparable(rate=r) for r in ((18, 21), (21, 18))}
    assert set(neighbours(PyramidPooling(grid=(2, 8)))) == {PyramidPooling(grid=g) for g in ((1, 8), (4, 8), (2, 4))}
    assert neighbours(DoubleAttention(maps=32)) == (DoubleAttention(maps=64),)
    assert set(neighbours(GraphConvolution(vertices=8))) == {GraphConvolution(vertices=v) for v in (4, 32)}


@pytest.mark.parametrize("operator", EXTENDED_OPERATORS)
def test_neighbours_are_mutual_and_of_the_type(operator):
    for near in neighbours(operator):
        assert near.op == operator.op
        assert near != operator
        assert operator in neighbours(near)


def test_every_change_of_a_kind_and_no_other():
    """Two branches of a chain on two levels: each kind's changes by hand, all of which are drawn."""
    pool, rate = PyramidPooling(grid=(1, 1)), AtrousSeparable(rate=(1, 1))
    parent = cell((-1, pool), (0, rate), levels=(8, 16), channels=16)

    def changed(first: Any = (-1, pool), second: Any = (0, rate), channels: int = 16) -> DenseCell:
        return cell(first, second, levels=(8, 16), channels=channels)

    assert mutants(parent, "width", channels=(16, 24, 32)).keys() == written(changed(channels=24), changed(channels=32))
    assert mutants(parent, "level").keys() == written(changed(first=(-2, pool)))
    assert mutants(parent, "input").keys() == written(
        changed(first=(-2, pool)), changed(second=(-1, rate)), changed(second=(-2, rate))
    )
    assert mutants(parent, "neighbour").keys() == written(
        *(changed(first=(-1, PyramidPooling(grid=grid))) for grid in ((2, 1), (1, 2))),
        *(changed(second=(0, AtrousSeparable(rate=near))) for near in ((3, 1), (1, 3))),
    )
    assert mutants(parent, "operator", draws=3000).keys() == written(
        *(changed(first=(-1, other)) for other in OPERATORS if other != pool),
        *(changed(second=(0, other)) for other in OPERATORS if other != rate),
    )


def test_kinds_are_drawn_evenly_among_those_that_the_cell_has():
    parent = cell((-1, CONV), (-1, AtrousSeparable(rate=(1, 1))), channels=16)
    found = mutants(parent, *KINDS, draws=1200, channels=(16, 24))  # no level to change
    widths = sum(count for text, count in found.items() if '"channels":24' in text)
    near = sum(count for text, count in found.items() if '"rate":[1,3]' in text or '"rate":[3,1]' in text)
    assert 240 <= widths <= 360  # 4 standard deviations around 300
    assert 240 <= near <= 370  # and a few that the kind operator gave
    assert sum(found.values()) == 1200


def test_a_cell_without_such_a_change():
    assert mutate_by_kind(cell((-1, CONV)), random.Random(0), ["neighbour", "input", "level"]) is None
    assert mutate_by_kind(cell((-1, CONV), channels=8), random.Random(0), ["width"], channels=(8,)) is None


def test_a_change_that_gives_the_same_cell_is_no_change():
    """The third branch reads one of two equal ones: reading the other is the same cell."""
    parent = cell((-1, CONV), (-1, CONV), (0, CONV))
    for mutant in mutants(parent, "input"):
        assert DenseCell.model_validate_json(mutant) != parent


def test_units_in_a_plain_space_are_replaced_and_never_drawn():
    parent = cell((-1, DoubleAttention(maps=32)), (-1, AtrousSeparable(rate=(6, 6))))
    found = [DenseCell.model_validate_json(text) for text in mutants(parent, "neighbour", "operator", draws=800)]
    assert all(len(mutant.units) <= 1 for mutant in found)
    assert any(not mutant.units for mutant in found)
    assert all(DoubleAttention(maps=64) not in mutant.units for mutant in found)


@given(st.integers(0, 10**6), st.lists(st.sampled_from(KINDS), min_size=1, unique=True))
def test_one_field_changes_and_the_cell_stays_in_its_space(seed, kinds):
    rng = random.Random(seed)
    parent = sample(4, rng, "extended", (8, 16), (16, 24))
    mutant = mutate_by_kind(parent, rng, kinds, "extended", (16, 24))
    if mutant is None:
        assert set(kinds) <= {"neighbour", "level"}
        return
    assert mutant != parent
    assert (mutant.levels, len(mutant.branches)) == ((8, 16), 4)
    pairs = list(zip(parent.branches, mutant.branches, strict=True))
    inputs = [(old.input, new.input) for old, new in pairs if old.input != new.input]
    operators = [(old.operator, new.operator) for old, new in pairs if old.operator != new.operator]
    assert len(inputs) + len(operators) + (parent.channels != mutant.channels) == 1
    if operators:
        assert {"operator", "neighbour"} & set(kinds)
        assert "operator" in kinds or operators[0][1] in neighbours(operators[0][0])
    if inputs:
        assert "input" in kinds or ("level" in kinds and max(itertools.chain(*inputs)) < 0)
    if parent.channels != mutant.channels:
        assert "width" in kinds


def test_the_published_cell_has_changes_of_every_kind_that_its_space_has():
    for kind in ("operator", "neighbour", "input"):
        assert mutate_by_kind(PUBLISHED_CELL, random.Random(0), [kind]) is not None
    assert mutate_by_kind(PUBLISHED_CELL, random.Random(0), ["level", "width"]) is None
