"""Cells that read several levels, and cells of their own width: counts, draws, mutations, canonical form, documents."""

import collections
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import chisquare

from search_spaces import architecture_text, read_architecture, write_document
from search_spaces.dense_cell.architecture import (
    OPERATOR_SETS,
    OPERATORS,
    PUBLISHED_CELL,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    Levels,
    Operator,
    PyramidPooling,
)
from search_spaces.dense_cell.deeplab import write_deeplab
from search_spaces.dense_cell.space import cells, distinct, mutate, sample, size

TWO: Levels = (8, 16)
CONV, SEP, POOL = Conv1x1(), AtrousSeparable(rate=(1, 6)), PyramidPooling(grid=(1, 2))


def cell(*branches: tuple[int, Operator], levels: Levels | None = TWO, channels: int | None = None) -> DenseCell:
    made = tuple(Branch(input=source, operator=operator) for source, operator in branches)
    return DenseCell(branches=made, levels=levels, channels=channels)


def reordered(original: DenseCell, order: tuple[int, ...]) -> DenseCell | None:
    """The branches as `order` lists them; None where one would read a later branch."""
    place = {old: new for new, old in enumerate(order)}
    branches = []
    for new, old in enumerate(order):
        source = original.branches[old].input
        source = source if source < 0 else place[source]
        if source >= new:
            return None
        branches.append((source, original.branches[old].operator))
    return cell(*branches, levels=original.levels, channels=original.channels)


def test_sizes_by_hand():
    """Branch i has i + L inputs: 2 * 3 with two levels, 3 * 4 * 5 with three."""
    assert size(2, levels=TWO) == 2 * 3 * 81**2
    assert size(3, levels=(4, 8, 16)) == 3 * 4 * 5 * 81**3
    assert size(5, levels=TWO) == 720 * 81**5
    assert size(1, channels=(16, 32, 64)) == 3 * 81
    assert size(2, "extended", TWO, (16, 32)) == 2 * 3 * 92**2 * 2


def test_different_cells_by_hand():
    """One branch: on either level. Two: both on one level, one on each, or a chain from either level."""
    assert distinct(1, levels=TWO) == 2 * 81
    assert distinct(2, levels=TWO) == 2 * (81 * 82 // 2) + 81**2 + 2 * 81**2
    assert distinct(2, channels=(16, 24, 32)) == 3 * distinct(2)


@pytest.mark.parametrize(("branches", "operators"), [(1, 3), (2, 3), (3, 2), (4, 1)])
@pytest.mark.parametrize("levels", [None, TWO, (4, 8, 16)])
def test_counts_are_what_brute_force_finds(monkeypatch, branches, operators, levels):
    """All wirings and operators; the class of a cell is the least of all its valid reorderings as text."""
    monkeypatch.setitem(OPERATOR_SETS, "plain", OPERATORS[:operators])
    maps = 1 if levels is None else len(levels)
    inputs = itertools.product(*(range(-maps, index) for index in range(branches)))
    written, classes, keys = 0, set(), set()
    for reads, chosen in itertools.product(inputs, itertools.product(OPERATORS[:operators], repeat=branches)):
        one = cell(*zip(reads, chosen, strict=True), levels=levels)
        orders = itertools.permutations(range(branches))
        others = [other for order in orders if (other := reordered(one, order)) is not None]
        classes.add(min(str([(b.input, repr(b.operator)) for b in other.branches]) for other in others))
        keys.add(one.key)
        written += 1
    assert written == size(branches, levels=levels)
    assert len(classes) == len(keys) == len(list(cells(branches, levels=levels))) == distinct(branches, levels=levels)


def test_draws_are_uniform_over_inputs_and_widths():
    rng = random.Random(20181209)
    draws = [sample(2, rng, levels=(4, 8, 16), channels=(16, 24)) for _ in range(6000)]
    chosen = collections.Counter((one.branches[0].input, one.branches[1].input, one.channels) for one in draws)
    assert set(chosen) == set(itertools.product((-3, -2, -1), (-3, -2, -1, 0), (16, 24)))
    assert chisquare(list(chosen.values())).pvalue > 0.001
    assert {one.levels for one in draws} == {(4, 8, 16)}


@given(st.integers(1, 5), st.booleans(), st.integers(0, 2**32))
def test_a_mutation_changes_one_choice(branches, widths, seed):
    rng = random.Random(seed)
    channels = (16, 24, 32) if widths else ()
    parent = sample(branches, rng, levels=TWO, channels=channels)
    child = mutate(parent, rng, channels=channels)
    assert child != parent
    assert child.key != parent.key
    pairs: list[tuple[object, object]] = [(parent.channels, child.channels)]
    for old, new in zip(parent.branches, child.branches, strict=True):
        pairs += [(old.input, new.input), (old.operator, new.operator)]
    assert sum(old != new for old, new in pairs) == 1
    assert child.levels == TWO
    assert child.channels in (channels or (None,))


def test_mutations_reach_every_choice_evenly():
    """A branch and the width are drawn alike; of a branch, input and operator alike; even the first has two inputs."""
    rng = random.Random(3)
    parent = sample(1, rng, levels=TWO, channels=(16, 24, 32))
    children = [mutate(parent, rng, channels=(16, 24, 32)) for _ in range(4000)]
    kinds = collections.Counter(
        "width" if child.channels != parent.channels else str(child.branches[0].input != parent.branches[0].input)
        for child in children
    )
    assert chisquare([kinds["width"], kinds["True"], kinds["False"]], [2000, 1000, 1000]).pvalue > 0.001
    assert len({child.channels for child in children}) == 3


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_the_canonical_form_is_the_same_cell_and_final(branches, seed):
    original = sample(branches, random.Random(seed), levels=(8, 16, 32), channels=(24,))
    canonical = original.canonical()
    assert canonical == original
    assert (canonical.levels, canonical.channels, canonical.key) == ((8, 16, 32), 24, original.key)
    assert canonical.canonical().branches == canonical.branches


def test_the_canonical_order_by_hand():
    written = cell((-2, SEP), (-1, POOL), (0, CONV), (-1, CONV))
    assert [(b.input, b.operator) for b in written.canonical().branches] == [
        (-1, CONV),
        (-1, POOL),
        (-2, SEP),
        (2, CONV),
    ]


def test_what_tells_cells_apart():
    fine, coarse = cell((-1, CONV)), cell((-2, CONV))
    plain = cell((-1, CONV), levels=None)
    others = [fine, coarse, plain, cell((-1, CONV), levels=(8, 32)), cell((-1, CONV), channels=16)]
    assert len(set(others)) == len({one.key for one in others}) == 5
    assert plain.model_dump(mode="json").keys() == {"kind", "branches"}


def test_documents_come_back():
    original = cell((-2, SEP), (0, CONV), channels=24)
    document = write_document(original)
    assert document["architecture"] == {
        "kind": "dense_cell",
        "branches": [
            {"input": -2, "operator": {"op": "atrous_separable", "rate": [1, 6]}},
            {"input": 0, "operator": {"op": "conv1x1"}},
        ],
        "levels": [8, 16],
        "channels": 24,
    }
    again = read_architecture(document).architecture
    assert isinstance(again, DenseCell)
    assert (again, again.branches) == (original, original.branches)


@pytest.mark.parametrize(
    ("architecture", "text"),
    [
        (cell((-1, CONV), (-2, SEP), (1, POOL)), "0:conv1x1(F8)  1:sep1x6(F16)  2:pool1x2(1)"),
        (cell((-2, CONV), channels=24), "width 24  0:conv1x1(F16)"),
        (cell((-1, CONV), levels=None, channels=24), "width 24  0:conv1x1(F)"),
        (PUBLISHED_CELL.model_copy(update={"channels": 48}), "published DPC, width 48"),
    ],
)
def test_in_one_line(architecture, text):
    assert architecture_text(architecture) == text


def test_tensorflow_deeplab_knows_one_map_only():
    with pytest.raises(
        ValueError, match=r"knows one feature map only, not the levels 8, 16; write this cell as a segnas"
    ):
        write_deeplab(cell((-1, CONV)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"levels": [8]}, "at least 2 items"),
        ({"levels": [16, 8]}, r"levels must be different strides, finest first, not \[16, 8\]"),
        ({"levels": [8, 8]}, r"levels must be different strides"),
        ({"levels": [8, 16.5]}, "valid integer"),
        ({"channels": 0}, "greater than or equal to 1"),
        (
            {"branches": [{"input": -3, "operator": {"op": "conv1x1"}}]},
            r"branch 0 reads input -3, but it can only read level 8 \(-1\), level 16 \(-2\) \[",
        ),
        (
            {"branches": [{"input": -2, "operator": {"op": "conv1x1"}}, {"input": 1, "operator": {"op": "conv1x1"}}]},
            r"branch 1 reads branch 1, but it can only read level 8 \(-1\), level 16 \(-2\) or branch 0 \[",
        ),
    ],
)
def test_a_wrong_cell_is_refused_with_a_sentence(changes, sentence):
    good = cell((-1, CONV)).model_dump(mode="json")
    with pytest.raises(ValidationError, match=sentence):
        DenseCell.model_validate({**good, **changes})
