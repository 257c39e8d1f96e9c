from __future__ import annotations

import math
import re
import time
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, ValidationError

from nas.specs import SearchSpec
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.deeplab import read_deeplab
from search_spaces.validation import FieldProblem, InputError, explain, shorten, validate

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


def test_a_list_of_wrong_items_is_not_called_too_short():
    reference = {**GOOD, "kind": "reference"}
    assert problems({**reference, "heads": [{"kind": "reference_head", "name": "aspp", "rates": [0]}]}) == {
        "heads.0.rates.0": "Input should be greater than or equal to 1"
    }
    assert list(problems({**reference, "heads": []})) == ["heads"]


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


def test_of_a_union_of_a_scalar_and_a_model_only_the_mapping_that_was_given_is_spoken_of():
    found = problems({**GOOD, "confirm": {"top": 1, "learning_rates": "searched"}})
    assert list(found) == ["confirm.learning_rates"]
    assert list(problems({**GOOD, "trials": {"a": 1}})) == ["trials"], "no union: it stays"
    assert "confirm" in problems({**GOOD, "confirm": 3.5})


def test_lists_are_entered_by_position():
    assert set(problems({**GOOD, "fidelity": {"dataset": "scenes", "rungs": [1, "x", 0]}})) == {
        "fidelity.rungs.1",
        "fidelity.rungs.2",
    }


def test_fields_inside_a_list_know_their_names_too():
    with pytest.raises(InputError, match=r"^branches\.0\.imput: unknown field; did you mean input\?$"):
        validate(DenseCell, {"branches": [{"input": -1, "operator": {"op": "conv1x1"}, "imput": 2}]})


def test_many_problems_are_counted_and_not_all_named():
    started = time.perf_counter()
    with pytest.raises(InputError) as refused:
        validate(SearchSpec, {**GOOD, **{f"field {index} {'x' * 20}": 0 for index in range(25_000)}})
    assert time.perf_counter() - started < 5
    *named, rest = refused.value.problems
    assert len(named) == 20
    assert (rest.path, rest.message) == ("", "and 24980 more")
    assert len(str(refused.value)) < 10_000


def test_long_names_and_values_are_cut():
    (path, message), *_ = problems({**GOOD, "x" * 700_000: 0}).items()
    assert re.fullmatch(r"x{98}\.\.\.x{98}", path)
    assert message.startswith("unknown field")
    (message,) = problems({**GOOD, "strategy": {"name": "y" * 700_000}}).values()
    assert "is not known here; use one of" in message
    assert len(message) < 200

    def refuse(value: str) -> str:
        raise ValueError(f"{value} is too long")

    with pytest.raises(InputError, match=r"^zzzz") as refused:
        validate(Annotated[str, AfterValidator(refuse)], "z" * 700_000)
    assert str(refused.value).endswith("z is too long")
    assert len(str(refused.value)) == 999


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
    found: tuple[FieldProblem, ...] = ()
    try:
        validate(SearchSpec, data)
    except InputError as refused:
        found = refused.problems
    # Without lone surrogates, which UTF-8 cannot carry.
    assert all(problem.message.encode() and problem.path.encode() is not None for problem in found)


def test_an_explanation_is_one_line_with_paths_and_without_tags():
    branch = {"input": -1, "operator": {"op": "atrous_separable", "rate": [1, 5]}}
    with pytest.raises(ValidationError) as caught:
        DenseCell.model_validate({"branches": [branch]})
    assert explain(caught.value).startswith("branches.0.operator.atrous_separable.rate.1: ")
    assert explain(caught.value, {"branches": [branch]}, DenseCell) == (
        "branches.0.operator.rate.1: rate 5 is not one of 1, 3, 6, 9, 12, 15, 18, 21"
    )
    with pytest.raises(ValidationError) as caught:
        DenseCell.model_validate({"branches": [{**branch, "input": "F"}] * 12})
    line = explain(caught.value)
    assert line.endswith("; and 4 more")
    assert line.count("; ") == 20
    assert "\n" not in line


def test_a_long_value_does_not_make_a_long_sentence():
    assert shorten("conv") == "'conv'"
    with pytest.raises(ValueError, match="has op ") as caught:
        read_deeplab([{"op": "x" * 100_000, "input": -1}])
    assert len(str(caught.value)) < 150
