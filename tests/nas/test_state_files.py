"""State files that were cut, emptied, or written by another version are treated as absent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from nas.state_files import read_state


class Note(BaseModel):
    pid: int
    url: str


WHOLE = Note(pid=12, url="http://127.0.0.1:8000")


def test_a_whole_file_is_read(tmp_path):
    (tmp_path / "note.json").write_text(WHOLE.model_dump_json())
    assert read_state(tmp_path / "note.json", Note) == WHOLE


def test_a_file_cut_anywhere_is_absent(tmp_path):
    text = WHOLE.model_dump_json()
    for length in range(len(text)):
        (tmp_path / "note.json").write_text(text[:length])
        assert read_state(tmp_path / "note.json", Note) is None


@pytest.mark.parametrize(
    "content", ["null", "[]", "{}", '{"pid": "x", "url": "y"}', '{"pid": 1, "url": null}', "[" * 9999]
)
def test_a_file_of_another_form_is_absent(content, tmp_path):
    (tmp_path / "note.json").write_text(content)
    assert read_state(tmp_path / "note.json", Note) is None


@given(st.binary(max_size=40))
def test_noise_is_absent(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("noise") / "note.json"
    path.write_bytes(content)
    assert read_state(path, Note) is None


def test_a_folder_in_its_place_and_no_file_at_all(tmp_path):
    assert read_state(tmp_path, Note) is None
    assert read_state(tmp_path / "none", Note) is None
    assert read_state(tmp_path / "none" / "below", Note) is None
