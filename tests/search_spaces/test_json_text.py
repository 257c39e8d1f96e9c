from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.json_text import parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_json_is_read_as_it_was_written(value):
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "b": 2, "a": 1}', "the key 'a' stands in one object twice"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands in one object twice"),
        ('[{"a": 1, "\\u0061": 2}]', "the key 'a' stands in one object twice"),
        ("NaN", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ("1e999", "1e999 is too large to be a finite number"),
        ("-1e999", "-1e999 is too large"),
        ("1" * 4301, "too many digits"),
        ("010", "Extra data"),
        ("0x8", "Extra data"),
        ("1_000", "Extra data"),
        (".5", "Expecting value"),
        ("+8", "Expecting value"),
        ("True", "Expecting value"),
        ("{'a': 1}", "property name"),
        ("[1,]", "Expecting value"),
        ("", "Expecting value"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(text, reason):
    with pytest.raises(json.JSONDecodeError) as caught:
        parse_json(text)
    assert reason in caught.value.msg


@pytest.mark.parametrize("text", ["9" * 1_000_000, "1e" + "9" * 1_000_000])
def test_a_long_hostile_number_takes_no_time(text):
    began = time.process_time()
    with pytest.raises(json.JSONDecodeError) as caught:
        parse_json(text)
    assert time.process_time() - began < 1.0
    assert len(caught.value.msg) < 120
