"""`segnas draw`: files in and out, standard input, and what it refuses."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from nas.drawing.draw import draw
from nas.specs import Fidelity
from search_spaces import PUBLISHED_AUTO_DEEPLAB, PUBLISHED_CELL, write_document

PUBLISHED = Path(__file__).parents[3] / "examples" / "published"


@pytest.fixture
def segnas(command_at):
    return command_at("http://127.0.0.1:9")  # where nothing answers: drawing needs no service


@pytest.mark.parametrize(
    ("file", "architecture"), [("dense_cell.json", PUBLISHED_CELL), ("auto_deeplab.json", PUBLISHED_AUTO_DEEPLAB)]
)
def test_a_file_is_drawn(segnas, tmp_path, file, architecture):
    expected = draw(PUBLISHED / file).svg
    assert segnas("draw", PUBLISHED / file, "-o", tmp_path / "a.svg") == (0, f"wrote {tmp_path / 'a.svg'}\n", "")
    assert (tmp_path / "a.svg").read_text() == expected == draw(architecture).svg
    assert segnas("draw", PUBLISHED / file) == (0, expected, "")


def test_standard_input_is_drawn(segnas, monkeypatch):
    def given(text: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))

    given(json.dumps(write_document(PUBLISHED_CELL)).encode())
    assert segnas("draw", "-") == (0, draw(PUBLISHED_CELL).svg, "")
    for text, message in ((b"[1", "standard input is not JSON"), (b"\xff", "standard input is not UTF-8 text")):
        given(text)
        code, out, err = segnas("draw", "-")
        assert (code, out) == (1, "")
        assert message in err


def test_another_fidelity(segnas, tmp_path):
    fidelity = Fidelity(dataset="scenes", crop=(257, 513))
    (tmp_path / "search.yaml").write_text("name: a search\nfidelity: {dataset: scenes, crop: [257, 513]}\n")
    code, out, _ = segnas("draw", PUBLISHED / "dense_cell.json", "--fidelity", tmp_path / "search.yaml")
    assert (code, out) == (0, draw(PUBLISHED_CELL, fidelity=fidelity).svg)
    (tmp_path / "wrong.yaml").write_text("{dataset: scenes, corp: 5}")
    code, _, err = segnas("draw", PUBLISHED / "dense_cell.json", "--fidelity", tmp_path / "wrong.yaml")
    assert code == 2
    assert "wrong.yaml: corp: unknown field; did you mean crop?" in err


def test_what_is_refused(segnas, tmp_path):
    code, _, err = segnas("draw", PUBLISHED / "dense_cell.json", "-o", tmp_path / "cell.png")
    assert (code, err) == (2, f"segnas: {tmp_path / 'cell.png'} would hold SVG: let its name end in .svg\n")
    assert not (tmp_path / "cell.png").exists()
    (tmp_path / "spec.yaml").write_text("name: x")
    code, _, err = segnas("draw", tmp_path / "spec.yaml")
    assert (code, "an architecture is JSON" in err) == (1, True)
