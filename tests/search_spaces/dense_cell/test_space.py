import collections
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    FEATURES,
    OPERATOR_SETS,
    OPERATORS,
    Branch,
    DenseCell,
    operator_index,
)
from search_spaces.dense_cell.space import cells, distinct, mutate, sample, size


def test_sizes_of_the_space():
    assert [size(b) for b in (1, 2)] == [81, 2 * 81**2]
    assert size(5) == 418_414_128_120


@pytest.mark.slow
def test_the_number_of_different_cells_is_what_enumeration_finds():
    for branches in (1, 2):
        found = list(cells(branches))
        assert len(found) == len({cell.key for cell in found}) == distinct(branches)
    # By hand for three: all on F, two on F of which one is read, a chain, a fork on one.
    multisets = (81 * 82 // 2, 81 * 82 * 83 // 6)
    assert distinct(3) == multisets[1] + 81 * 81**2 + 81**3 + 81 * multisets[0]


@pytest.mark.parametrize(("branches", "operators"), [(3, 1), (3, 3), (4, 2), (5, 1)])
def test_the_count_holds_for_other_operator_sets(monkeypatch, branches, operators):
    monkeypatch.setitem(OPERATOR_SETS, "plain", OPERATORS[:operators])
    assert len(list(cells(branches))) == distinct(branches)


@pytest.mark.slow
def test_sampling_is_uniform_and_independent():
    rng = random.Random(20181209)
    draws = [sample(5, rng) for _ in range(24_000)]
    wirings = collections.Counter(tuple(branch.input for branch in cell.branches) for cell in draws)
    assert len(wirings) == 120
    assert chisquare(list(wirings.values())).pvalue > 0.001
    for index in range(5):
        operators = collections.Counter(operator_index(cell.branches[index].operator) for cell in draws)
        assert len(operators) == 81
        assert chisquare(list(operators.values())).pvalue > 0.001
    # The operator does not depend on the input, nor on the branch before.
    last = collections.Counter((c.branches[4].input, operator_index(c.branches[4].operator) // 27) for c in draws)
    pair = collections.Counter(tuple(operator_index(b.operator) // 9 for b in c.branches[:2]) for c in draws)
    assert (len(last), len(pair)) == (15, 81)
    assert chisquare(list(last.values())).pvalue > 0.001
    assert chisquare(list(pair.values())).pvalue > 0.001


def test_a_biased_sampler_would_be_seen():
    rng = random.Random(20181209)
    inputs = collections.Counter(min(sample(5, rng).branches[4].input, 2) for _ in range(24_000))
    assert chisquare([inputs[value] for value in range(FEATURES, 4)]).pvalue < 1e-9


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_a_mutation_changes_one_thing_and_gives_another_cell(branches, seed):
    rng = random.Random(seed)
    parent = sample(branches, rng)
    child = mutate(parent, rng)
    assert child != parent
    assert child.key != parent.key
    (changed,) = [
        (old, new) for old, new in zip(parent.branches, child.branches, strict=True) if old != new
    ]  # exactly one branch
    old, new = changed
    assert (old.input == new.input) != (old.operator == new.operator)


def test_a_new_input_that_gives_the_same_cell_is_drawn_again():
    conv = OPERATORS[0]
    twins = DenseCell(branches=tuple(Branch(input=source, operator=conv) for source in (-1, -1, 0)))
    rng = random.Random(0)
    children = [mutate(twins, rng) for _ in range(2000)]
    assert twins not in children
    assert {(-1, -1, -1), (-1, 0, 0)} <= {tuple(b.input for b in child.branches) for child in children}


def test_mutations_of_one_branch_reach_all_other_operators_evenly():
    rng = random.Random(1)
    parent = sample(1, rng)
    reached = collections.Counter(operator_index(mutate(parent, rng).branches[0].operator) for _ in range(8000))
    assert len(reached) == 80
    assert chisquare(list(reached.values())).pvalue > 0.001


@pytest.mark.slow
def test_sizes_of_the_extended_space():
    assert [size(b, "extended") for b in (1, 2)] == [92, 2 * 92**2]
    assert size(5, "extended") == 790_897_827_840
    found = list(cells(2, "extended"))
    assert len(found) == len({cell.key for cell in found}) == distinct(2, "extended") == 92 * 93 // 2 + 92**2


def test_extended_sampling_is_uniform():
    rng = random.Random(20180609)
    counts = collections.Counter(
        operator_index(branch.operator) for _ in range(4000) for branch in sample(5, rng, "extended").branches
    )
    assert len(counts) == 92
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_extended_mutations_of_one_branch_reach_all_other_operators_evenly():
    rng = random.Random(1)
    parent = DenseCell(branches=(Branch(input=FEATURES, operator=EXTENDED_OPERATORS[85]),))
    reached = collections.Counter(
        operator_index(mutate(parent, rng, "extended").branches[0].operator) for _ in range(8000)
    )
    assert len(reached) == 91
    assert chisquare(list(reached.values())).pvalue > 0.001


def test_a_plain_mutation_leaves_a_unit_and_never_draws_one():
    rng = random.Random(2)
    parent = DenseCell(branches=(Branch(input=FEATURES, operator=EXTENDED_OPERATORS[85]),))
    reached = {operator_index(mutate(parent, rng).branches[0].operator) for _ in range(2000)}
    assert reached == set(range(81))
