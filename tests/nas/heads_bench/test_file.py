"""The file: equal tables are equal files, and a damaged file is never read as a table."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.heads_bench.build import build
from nas.heads_bench.file import open_table, read_card, write_table
from nas.heads_bench.table import About
from tests.nas.heads_bench.tables import LATENCY, cells, latencies, trainings


def made(**changes: Any):
    heads = cells()
    given: dict[str, Any] = {"name": "small", "latency": LATENCY, "latencies": latencies(heads)}
    return build(trainings(heads), **given | changes)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "small.zip"
    write_table(path, *made())
    return path


def test_equal_tables_are_equal_files_and_have_one_hash(path, tmp_path):
    again = write_table(tmp_path / "again.zip", *made())
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()
    assert again.hash == open_table(path).hash


@pytest.mark.parametrize("change", [{"name": "other"}, {"licence": "MIT"}, {"latencies": {}}])
def test_another_content_has_another_hash(path, tmp_path, change):
    assert write_table(tmp_path / "other.zip", *made(**change)).hash != open_table(path).hash


def test_the_card_is_inside_and_says_what_is_in_the_table(path):
    card = read_card(path)
    assert "# small" in card
    assert "Licence: CC-BY-4.0" in card
    assert "3 x cell of 5 branches" in card
    assert "| scenes | 3 | 0, 1 | 100, 300 | 8 |" in card
    assert "200 runs after 20 others, on a processor (cpu with 1 thread)" in card
    assert "- torch 2.13.0" in card
    with zipfile.ZipFile(path) as file:
        assert file.read("DATA_CARD.md").decode() == card


@settings(max_examples=60)
@given(data=st.data())
def test_a_file_of_which_a_byte_was_changed_is_refused_or_the_same_table(path, tmp_path_factory, data):
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    broken = tmp_path_factory.mktemp("broken") / "table.zip"
    broken.write_bytes(content)
    sentence = refusal(broken)
    if sentence is None:  # a byte that nobody reads, such as a date in the archive's directory
        assert open_table(broken).hash == open_table(path).hash
    else:
        assert sentence.startswith(str(broken))
        assert "\n" not in sentence


def refusal(path: Path) -> str | None:
    try:
        open_table(path)
    except ValueError as error:
        return str(error)
    return None


@settings(max_examples=20)
@given(share=st.floats(0, 0.999))
def test_a_file_that_was_cut_off_is_refused(path, tmp_path_factory, share):
    content = path.read_bytes()
    broken = tmp_path_factory.mktemp("cut") / "table.zip"
    broken.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="is no table of heads: it is no whole zip archive"):
        open_table(broken)


def rewritten(path: Path, target: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """Write the archive again, after a change of its parts."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    change(parts)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, part in parts.items():
            file.writestr(name, part)
    target.write_bytes(buffer.getvalue())
    return target


def edit(name: str, old: str, new: str) -> Callable[[dict[str, bytes]], object]:
    def change(parts: dict[str, bytes]) -> None:
        assert old.encode() in parts[name]
        parts[name] = parts[name].replace(old.encode(), new.encode())

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (edit("heads.json", "conv1x1", "conv1x2"), "is damaged: heads.json has changed since it was written"),
        (edit("table.json", "CC-BY-4.0", "MIT"), "is damaged: table.json has changed since it was written"),
        (edit("table.json", '"version": 1', '"version": 2'), "is of version 2, and this Segnas reads version 1"),
        (edit("table.json", "segnas/heads-bench", "else"), "is no table of heads: its format is 'else'"),
        (lambda parts: parts.pop("scenes/score.npy"), "is damaged: it lacks scenes/score.npy"),
        (lambda parts: parts.pop("table.json"), "is no table of heads: it has no table.json that says so"),
        (lambda parts: parts.update({"table.json": b"[]"}), "is no table of heads: it has no table.json"),
    ],
)
def test_what_somebody_edited_is_refused_with_the_part(path, tmp_path, change, sentence):
    broken = rewritten(path, tmp_path / "edited.zip", change)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{broken} {sentence}')}"):
        open_table(broken)


def test_a_file_of_another_kind_is_refused(tmp_path):
    other = tmp_path / "architecture.json"
    other.write_text(json.dumps({"format": "segnas/architecture"}))
    with pytest.raises(ValueError, match="is no table of heads"):
        open_table(other)


def test_arrays_that_do_not_fit_are_not_written(tmp_path):
    about, heads, numbers = made()
    with pytest.raises(ValueError, match=re.escape("scenes/score has the shape (4, 2, 2)")):
        write_table(tmp_path / "table.zip", about, heads[:-1], numbers)
    with pytest.raises(ValueError, match="has a head twice"):
        write_table(tmp_path / "table.zip", about, (*heads[:-1], heads[0]), numbers)
    assert not (tmp_path / "table.zip").exists()


def test_a_table_has_each_data_set_once():
    about, _, _ = made()
    with pytest.raises(ValueError, match="each data set once"):
        About.model_validate({**about.model_dump(), "settings": [*about.settings, *about.settings]})
