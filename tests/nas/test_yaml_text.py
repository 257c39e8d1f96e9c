from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.yaml_files import read_yaml
from nas.yaml_text import dump_yaml, parse_yaml

# Reasons are those of YAML 1.2.2, section 10.3.2; what stands beside each is what PyYAML alone makes of it.
PLAIN = {
    "8": 8,
    "-3": -3,
    "0": 0,
    "1e-3": 0.001,  # a text
    "1E5": 1e5,  # a text
    "2.5": 2.5,
    ".5": 0.5,
    "1.": 1.0,
    "1.5e3": 1500.0,  # a text
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "": None,
    "010": "010",  # 8
    "007": "007",
    "0x8": "0x8",  # 8
    "0b1": "0b1",  # 1
    "0o10": "0o10",
    "1_000": "1_000",  # 1000
    "1:30": "1:30",  # 90
    "yes": "yes",  # True
    "no": "no",  # False
    "on": "on",  # True
    "2024-01-01": "2024-01-01",  # a date
    '"8"': "8",
    "'true'": "true",
}


@pytest.mark.parametrize(("text", "value"), PLAIN.items())
def test_plain_words(text, value):
    found = parse_yaml(f"field: {text}")["field"]
    assert (found, type(found)) == (value, type(value))


def test_a_mapping_can_be_merged_into_another():
    assert parse_yaml("base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3") == {
        "base": {"a": 1, "b": 2},
        "other": {"a": 1, "b": 3},
    }


@pytest.mark.parametrize("text", ["a: 1\na: 2", "x: {b: 1, b: 1}", "- {c: 1, 'c': 2}"])
def test_a_key_twice_is_refused(text):
    with pytest.raises(ValueError, match=r"not YAML, line \d+, column \d+: the key '.' stands here twice"):
        parse_yaml(text)


def test_deep_nesting_is_refused():
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_yaml("[" * 5000)


# Without line separators, which PyYAML folds to spaces.
LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
SCALARS = (
    st.text(LETTERS) | st.sampled_from(list(PLAIN)) | st.integers() | st.booleans() | st.none() | st.floats(-1e9, 1e9)
)


@given(st.dictionaries(st.text(LETTERS, min_size=1), SCALARS | st.lists(SCALARS, max_size=4), max_size=5))
def test_what_is_written_is_read_again(content):
    assert parse_yaml(dump_yaml(content)) == content


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("spec.json", "name: x", r"spec.json is not JSON, line 1, column 1"),
        ("spec.JSON", '{"name": "x",}', r"is not JSON"),
        ("spec.json", '{"name": 1, "name": 2}', r"spec.json is not JSON: the key 'name' stands in one object twice"),
        ("spec.json", "[1]", r"must hold a mapping of fields, not list"),
        ("spec.yaml", "a: b\nc: \0", r"spec.yaml is not YAML, line 2: it has the character U\+0000; .* as UTF-8"),
        ("spec.yaml", "a: \x07", r"spec.yaml is not YAML, line 1: it has the character U\+0007$"),
        ("spec.yaml", "a: [", r"spec.yaml is not YAML, line 1"),
    ],
)
def test_a_file_is_what_its_name_says(tmp_path, name, text, reason):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=reason):
        read_yaml(tmp_path / name)


def test_a_json_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "spec.json").write_bytes(b'\xef\xbb\xbf{"seed": 3}')
    assert read_yaml(tmp_path / "spec.json") == {"seed": 3}
