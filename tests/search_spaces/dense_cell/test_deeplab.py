import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.dense_cell.architecture import (
    GRIDS,
    PUBLISHED_CELL,
    RATES,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    PyramidPooling,
)
from search_spaces.dense_cell.deeplab import read_deeplab, write_deeplab
from search_spaces.units import GloRe

PUBLISHED_TEXT = (
    '[{"kernel":3,"rate":[1,6],"op":"conv","input":-1},{"kernel":3,"rate":[18,15],"op":"conv","input":0},'
    '{"kernel":3,"rate":[6,3],"op":"conv","input":1},{"kernel":3,"rate":[1,1],"op":"conv","input":0},'
    '{"kernel":3,"rate":[6,21],"op":"conv","input":0}]'
)


def pairs(values):
    return st.lists(st.sampled_from(values), min_size=2, max_size=2)


@st.composite
def entry_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    entries = []
    for index in range(draw(st.integers(1, 8))):
        operator = draw(
            st.one_of(
                st.just({"op": "conv", "kernel": 1}),
                st.fixed_dictionaries({"op": st.just("conv"), "kernel": st.just(1), "rate": pairs((1, 2, 5))}),
                st.fixed_dictionaries({"op": st.just("conv"), "kernel": st.just(3), "rate": pairs(RATES)}),
                st.fixed_dictionaries({"op": st.just("pyramid_pooling"), "grid_size": pairs(GRIDS)}),
            )
        )
        entries.append({**operator, "input": draw(st.integers(-1, index - 1))})
    return entries


def test_the_published_cell_reads_and_writes_to_the_letter():
    cell = read_deeplab(json.loads(PUBLISHED_TEXT))
    assert cell.branches == PUBLISHED_CELL.branches
    assert json.dumps(write_deeplab(cell), separators=(",", ":")) == PUBLISHED_TEXT


def test_the_shipped_file_is_the_published_cell():
    shipped = Path(__file__).parents[3] / "examples" / "published" / "dense_cell.json"
    assert shipped.read_text().strip() == PUBLISHED_TEXT


def test_every_operator_is_read():
    cell = read_deeplab(
        [
            {"op": "conv", "kernel": 1, "input": -1},
            {"op": "conv", "kernel": 1, "rate": [1, 1], "input": 0},
            {"op": "conv", "kernel": 3, "rate": [21, 9], "input": -1},
            {"op": "pyramid_pooling", "grid_size": [1, 8], "input": 2},
        ]
    )
    assert [branch.input for branch in cell.branches] == [-1, 0, -1, 2]
    assert [branch.operator for branch in cell.branches] == [
        Conv1x1(),
        Conv1x1(rate=(1, 1)),
        AtrousSeparable(rate=(21, 9)),
        PyramidPooling(grid=(1, 8)),
    ]


@pytest.mark.slow
@given(entry_lists())
def test_round_trips_are_exact(entries):
    assert write_deeplab(read_deeplab(entries)) == entries


CONV = {"op": "conv", "kernel": 3, "rate": [1, 6], "input": -1}


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([], "a cell has 1 to 32 branches, not 0"),
        ([CONV, 3], "branch 1 must be a mapping with op and input, not 3"),
        ([CONV, {**CONV, "input": 1}], "branch 1 reads branch 1, but it can only read F"),
        ([{**CONV, "input": -2}], r"cell: branch 0 reads input -2, but it can only read F \(-1\)$"),
        ([{**CONV, "input": "F"}], "branch 0: input: Input should be a valid integer"),
        ([{**CONV, "kernel": 5}], "branch 0 has kernel 5, but a conv has kernel 1 or 3"),
        ([{**CONV, "kernel": True}], "branch 0 has kernel True"),
        ([{**CONV, "rate": [1, 5]}], "branch 0: rate.1: rate 5 is not one of 1, 3, 6"),
        ([{**CONV, "rate": [1]}], "branch 0 has rate .1., but it needs two whole numbers"),
        ([{"op": "conv", "kernel": 3, "input": -1}], "branch 0 has rate None, but it needs two whole numbers"),
        ([{"op": "conv", "kernel": 1, "rate": None, "input": -1}], "branch 0 has rate None"),
        ([{"op": "conv", "kernel": 3, "rate": [1, 6]}], "branch 0 lacks input"),
        ([{"op": "pool", "input": -1}], "branch 0 has op 'pool', but the operators are 'conv' and 'pyramid_pooling'"),
        ([{"op": "pyramid_pooling", "grid_size": [3, 1], "input": -1}], "branch 0: grid.0: grid size 3 is not one of"),
        ([{"op": "pyramid_pooling", "rate": [1, 1], "input": -1}], "has a field 'rate', but the fields of"),
        (
            [{**CONV, "stride": 1}],
            "branch 0 has a field 'stride', but the fields of 'conv' are input, kernel, op, rate",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(entries, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        read_deeplab(entries)
    assert "\n" not in str(caught.value)


def test_a_cell_with_a_unit_is_refused_with_one_sentence():
    cell = DenseCell(branches=(*PUBLISHED_CELL.branches, Branch(input=0, operator=GloRe(nodes=32))))
    with pytest.raises(
        ValueError, match=r"knows convolutions and pooling only, not glore; write this cell as a segnas"
    ):
        write_deeplab(cell)
