import hashlib

import pytest
from pydantic import ValidationError

from search_spaces.base import canonical_json, content_key
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.deeplab import read_deeplab
from search_spaces.validation import explain, shorten


def test_canonical_json_is_one_text_whatever_the_order():
    assert canonical_json({"b": [1, 2.5, None], "a": "é"}) == '{"a":"\\u00e9","b":[1,2.5,null]}'
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})
    assert content_key({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_is_refused(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": number})


def test_an_explanation_is_one_line_with_paths_and_without_tags():
    branch = {"input": -1, "operator": {"op": "atrous_separable", "rate": [1, 5]}}
    with pytest.raises(ValidationError) as caught:
        DenseCell.model_validate({"branches": [branch]})
    assert explain(caught.value, {"atrous_separable"}) == (
        "branches.0.operator.rate.1: rate 5 is not one of 1, 3, 6, 9, 12, 15, 18, 21"
    )
    with pytest.raises(ValidationError) as caught:
        DenseCell.model_validate({"branches": [{**branch, "input": "F"}] * 5})
    line = explain(caught.value)
    assert line.endswith("; and 7 more")
    assert line.count("; ") == 3
    assert "\n" not in line


def test_a_long_value_does_not_make_a_long_sentence():
    assert shorten("conv") == "'conv'"
    with pytest.raises(ValueError, match="has op ") as caught:
        read_deeplab([{"op": "x" * 100_000, "input": -1}])
    assert len(str(caught.value)) < 150
