from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.specs import SearchSpec
from search_spaces.validation import InputError, validate

GOOD = {"name": "x", "fidelity": {"dataset": "scenes"}}


def problems(data):
    with pytest.raises(InputError) as refused:
        validate(SearchSpec, data)
    return {problem.path: problem.message for problem in refused.value.problems}


def test_a_good_spec_passes():
    assert validate(SearchSpec, GOOD).name == "x"


def test_missing_fields_are_named():
    assert problems({"fidelity": {}}) == {
        "name": "this field is required",
        "fidelity.dataset": "this field is required",
    }


def test_unknown_fields_get_the_nearest_name_or_all_of_them():
    assert problems({**GOOD, "trails": 3}) == {"trails": "unknown field; did you mean trials?"}
    (message,) = problems({**GOOD, "zzz": 3}).values()
    assert message.startswith("unknown field; known here: ")
    assert "fidelity" in message
    nested = {**GOOD, "fidelity": {"dataset": "scenes", "backbone": {"widht": 1}}}
    assert problems(nested) == {"fidelity.backbone.widht": "unknown field; did you mean width?"}


def test_the_tag_of_a_union_is_no_part_of_the_path():
    assert problems({**GOOD, "strategy": {"name": "dpc", "pool": 0}}) == {
        "strategy.pool": "Input should be greater than or equal to 1"
    }
    assert problems({**GOOD, "strategy": {"name": "dpc", "near_bst": 0}}) == {
        "strategy.near_bst": "unknown field; did you mean near_best?"
    }
    # Even where the user has a field of the tag's name.
    assert set(problems({**GOOD, "strategy": {"name": "dpc", "dpc": 0}})) == {"strategy.dpc"}
    assert set(problems({**GOOD, "strategy": {"pool": 1}})) == {"strategy.name"}


def test_lists_are_entered_by_position():
    assert set(problems({**GOOD, "fidelity": {"dataset": "scenes", "rungs": [1, "x", 0]}})) == {
        "fidelity.rungs.1",
        "fidelity.rungs.2",
    }


def test_the_message_reads_out_every_problem():
    with pytest.raises(InputError, match=r"^name: this field is required; trials: .* greater than or equal to 1$"):
        validate(SearchSpec, {"fidelity": {"dataset": "scenes"}, "trials": 0})


@pytest.mark.parametrize("whole", [None, [], "text", 3, math.nan])
def test_what_is_no_mapping(whole):
    assert problems(whole) == {"": "a mapping of fields is needed here"}


NAMES = st.sampled_from(
    ["name", "fidelity", "dataset", "strategy", "dpc", "pool", "rungs", "backbone", "space", "kind", "x", "\ud800"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["dpc", "scenes", "dense_cell", "\udfff"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)


@given(VALUES)
def test_whatever_is_sent_the_answer_can_be_written(data):
    found = ()
    try:
        validate(SearchSpec, data)
    except InputError as refused:
        found = refused.problems
    # Without lone surrogates, which UTF-8 cannot carry.
    assert all(problem.message.encode() and problem.path.encode() is not None for problem in found)
