import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    FEATURES,
    GRIDS,
    MAX_BRANCHES,
    OPERATORS,
    PUBLISHED_CELL,
    RATES,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    Operator,
    PyramidPooling,
    operator_index,
)
from search_spaces.units import (
    ConstantContext,
    DoubleAttention,
    GloRe,
    GraphConvolution,
    NonLocal,
    SymbolicReasoning,
)

FEW = (Conv1x1(), AtrousSeparable(rate=(1, 6)), PyramidPooling(grid=(1, 2)))


def cell(*branches: tuple[int, Operator]) -> DenseCell:
    return DenseCell(branches=tuple(Branch(input=source, operator=operator) for source, operator in branches))


@st.composite
def drawn_cells(draw: st.DrawFn, operators=FEW, most=7) -> DenseCell:
    """Few operators, so that equal branches and equal subtrees are common."""
    count = draw(st.integers(1, most))
    return cell(*((draw(st.integers(FEATURES, i - 1)), draw(st.sampled_from(operators))) for i in range(count)))


def reorder(original: DenseCell, order: tuple[int, ...]) -> DenseCell | None:
    """The branches as `order` lists them, inputs renumbered; None where one would read a later branch."""
    place = {old: new for new, old in enumerate(order)}
    branches = []
    for new, old in enumerate(order):
        branch = original.branches[old]
        source = branch.input if branch.input == FEATURES else place[branch.input]
        if source >= new:
            return None
        branches.append((source, branch.operator))
    return cell(*branches)


def test_the_81_operators():
    assert len(OPERATORS) == len(set(OPERATORS)) == 1 + 64 + 16
    assert OPERATORS[0] == Conv1x1()
    separable = [operator for operator in OPERATORS[1:65] if isinstance(operator, AtrousSeparable)]
    assert {operator.rate for operator in separable} == set(itertools.product(RATES, RATES))
    pyramid = [operator for operator in OPERATORS[65:] if isinstance(operator, PyramidPooling)]
    assert {operator.grid for operator in pyramid} == set(itertools.product(GRIDS, GRIDS))
    assert [operator_index(operator) for operator in OPERATORS] == list(range(81))


def test_the_order_of_operators_is_frozen():
    # Keys of stored architectures hang on it.
    assert OPERATORS[1] == AtrousSeparable(rate=(1, 1))
    assert OPERATORS[2] == AtrousSeparable(rate=(1, 3))
    assert OPERATORS[64] == AtrousSeparable(rate=(21, 21))
    assert OPERATORS[65] == PyramidPooling(grid=(1, 1))
    assert OPERATORS[66] == PyramidPooling(grid=(1, 2))
    assert OPERATORS[80] == PyramidPooling(grid=(8, 8))
    assert PUBLISHED_CELL.key == "9aa809f4da2655bee76762d5deae9d2423d435d4dbb7df50c94c658a8adf73a3"


def test_the_11_units_and_their_order_are_frozen_too():
    assert EXTENDED_OPERATORS[:81] == OPERATORS
    assert EXTENDED_OPERATORS[81:] == (
        DoubleAttention(maps=32),
        DoubleAttention(maps=64),
        GloRe(nodes=32),
        GloRe(nodes=64),
        GraphConvolution(vertices=4),
        GraphConvolution(vertices=8),
        GraphConvolution(vertices=32),
        SymbolicReasoning(steps=1),
        SymbolicReasoning(steps=2),
        ConstantContext(),
        NonLocal(),
    )
    assert [operator_index(operator) for operator in EXTENDED_OPERATORS] == list(range(92))
    assert cell((-1, GloRe(nodes=32)), (0, Conv1x1())).key == (
        "8b6a4aa2406037ba4cd127b26d9448a2f012ed80e68427a8ddeb7000e3cc22dd"
    )


def test_the_units_of_a_cell():
    assert PUBLISHED_CELL.units == ()
    assert cell((-1, GloRe(nodes=32)), (0, Conv1x1()), (0, NonLocal())).units == (GloRe(nodes=32), NonLocal())


@given(st.data())
def test_an_extended_cell_keeps_its_key_in_any_order_and_through_json(data):
    original = data.draw(drawn_cells(operators=EXTENDED_OPERATORS))
    again = DenseCell.model_validate(json.loads(original.model_dump_json()))
    assert again.branches == original.branches
    assert original.canonical() == original
    assert original.canonical().key == original.key


@pytest.mark.parametrize(
    ("branches", "sentence"),
    [
        ([(-1, FEW[0]), (0, FEW[0]), (3, FEW[0])], r"branch 2 reads branch 3, but .* earlier branch \(0 to 1\)"),
        ([(0, FEW[0])], r"branch 0 reads branch 0, but it can only read F \(-1\) \["),
        ([(-1, FEW[0]), (1, FEW[0])], r"branch 1 reads branch 1, but it can only read F \(-1\) or branch 0 \["),
        ([], r"a cell has 1 to 32 branches, not 0"),
        ([(-1, FEW[0])] * (MAX_BRANCHES + 1), r"a cell has 1 to 32 branches, not 33"),
    ],
)
def test_a_wrong_cell_is_refused_with_a_sentence(branches, sentence):
    with pytest.raises(ValidationError, match=f"(?m){sentence}"):
        DenseCell.model_validate({"branches": [{"input": i, "operator": op.model_dump()} for i, op in branches]})


@pytest.mark.parametrize(
    ("branch", "sentence"),
    [
        ({"input": -2, "operator": {"op": "conv1x1"}}, r"branch 0 reads input -2, but it can only read F \(-1\) "),
        ({"input": True, "operator": {"op": "conv1x1"}}, "valid integer"),
        ({"input": "0", "operator": {"op": "conv1x1"}}, "valid integer"),
        ({"input": -1, "operator": {"op": "atrous_separable", "rate": [1, 5]}}, "rate 5 is not one of 1, 3, 6, 9"),
        ({"input": -1, "operator": {"op": "pyramid_pooling", "grid": [3, 1]}}, "grid size 3 is not one of 1, 2, 4, 8"),
        ({"input": -1, "operator": {"op": "atrous_separable"}}, "Field required"),
        ({"input": -1, "operator": {"op": "sep"}}, "conv1x1.*atrous_separable.*pyramid_pooling"),
        (
            {"input": -1, "operator": {"op": "glore", "nodes": 48}},
            "glore with nodes=48 is no operator of a cell; there it has nodes=32 or nodes=64",
        ),
        (
            {"input": -1, "operator": {"op": "sgr", "steps": 2, "mapping": "drawn"}},
            "sgr with steps=2, mapping=drawn is no operator of a cell; there it has steps=1 or steps=2",
        ),
        (
            {"input": -1, "operator": {"op": "gcu", "maps": 8}},
            "maps is no parameter of gcu; it has vertices, assignment",
        ),
        ({"input": -1, "operator": {"op": "non_local", "maps": 8}}, "maps is no parameter of non_local; it has none"),
        ({"input": -1, "operator": {"op": "conv1x1"}, "name": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_branch_is_refused_with_a_sentence(branch, sentence):
    with pytest.raises(ValidationError, match=sentence):
        DenseCell.model_validate({"branches": [branch]})


@given(st.data())
def test_every_valid_order_is_the_same_cell(data):
    original = data.draw(drawn_cells())
    # A random valid order: again and again one of the branches whose input is already placed.
    order: list[int] = []
    while len(order) < len(original.branches):
        ready = [i for i, b in enumerate(original.branches) if i not in order and (b.input < 0 or b.input in order)]
        order.append(data.draw(st.sampled_from(ready)))
    other = reorder(original, tuple(order))
    assert other is not None
    assert other == original
    assert hash(other) == hash(original)
    assert other.key == original.key
    assert other.canonical().branches == original.canonical().branches


@given(drawn_cells(most=5))
def test_the_canonical_form_is_the_same_cell_and_final(original):
    canonical = original.canonical()
    assert canonical == original
    assert canonical.canonical().branches == canonical.branches
    orders = itertools.permutations(range(len(original.branches)))
    assert any((other := reorder(original, o)) and other.branches == canonical.branches for o in orders)


@pytest.mark.parametrize(("count", "operators"), [(2, 3), (3, 3), (4, 2)])
def test_keys_tell_cells_apart_exactly_as_brute_force_does(count, operators):
    """All cells; each one's class by brute force is the least of all its valid reorderings as text."""
    inputs = itertools.product(*(range(FEATURES, i) for i in range(count)))
    classes = set()
    total = 0
    for reads, ops in itertools.product(inputs, itertools.product(FEW[:operators], repeat=count)):
        original = cell(*zip(reads, ops, strict=True))
        others = (reorder(original, order) for order in itertools.permutations(range(count)))
        least = min(other.model_dump_json() for other in others if other is not None)
        classes.add((least, original.key))
        total += 1
    assert len(classes) < total
    assert len(classes) == len({least for least, _ in classes}) == len({key for _, key in classes})


def test_equal_branches_stay_two_and_it_matters_which_one_is_read():
    a, b, c = FEW
    twice = cell((-1, a), (-1, a))
    assert len(twice.canonical().branches) == 2
    assert twice != cell((-1, a))
    both_on_one = cell((-1, a), (-1, a), (0, b), (0, c))
    one_on_each = cell((-1, a), (-1, a), (0, b), (1, c))
    assert both_on_one != one_on_each
    assert both_on_one.key != one_on_each.key
    assert one_on_each == cell((-1, a), (-1, a), (1, b), (0, c))


def test_the_rate_beside_a_1x1_is_kept_and_means_nothing():
    plain, rated = cell((-1, Conv1x1())), cell((-1, Conv1x1(rate=(1, 1))))
    assert plain == rated
    assert plain.key == rated.key
    assert rated.branches[0].operator == Conv1x1(rate=(1, 1))
    assert rated.canonical().branches == plain.branches


def test_not_equal_to_anything_else():
    assert PUBLISHED_CELL.model_dump() != PUBLISHED_CELL
    assert len({PUBLISHED_CELL, PUBLISHED_CELL.canonical(), cell((-1, Conv1x1()))}) == 2


@given(drawn_cells(operators=OPERATORS))
def test_json_round_trip_keeps_the_order(original):
    again = DenseCell.model_validate(json.loads(original.model_dump_json()))
    assert again.branches == original.branches
