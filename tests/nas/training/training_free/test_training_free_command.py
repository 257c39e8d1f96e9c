"""`python -m nas.training training-free`, called in this process."""

import json

import pytest

from nas.specs.training_free import TRAINING_FREE
from nas.training.__main__ import main
from nas.training.training_free import score
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import write_document


@pytest.fixture
def arguments(tmp_path, tiny_root, workspace, fidelity):
    cell, asked = tmp_path / "cell.json", tmp_path / "fidelity.json"
    cell.write_text(json.dumps(write_document(PUBLISHED_CELL)))
    asked.write_text(fidelity.model_dump_json())
    places = ["--dataset", f"tiny=cityscapes:{tiny_root}", "--cache", str(workspace.cache), "--device", "cpu"]
    return ["training-free", str(cell), "--fidelity", str(asked), *places, "--threads", "1"]


def test_a_line_for_every_proxy(arguments, workspace, fidelity, capsys):
    assert main([*arguments, "--seed", "3"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["proxy", "better", "value", "seconds"]
    rows = [line.split() for line in lines]
    assert [row[0] for row in rows] == list(TRAINING_FREE)
    assert {row[1] for row in rows} == {"higher"}
    expected = score(PUBLISHED_CELL, fidelity, 3, workspace=workspace, device="cpu", threads=1)
    for (_, _, value, seconds), scored in zip(rows, expected.values(), strict=True):
        assert float(value.replace(",", "")) == pytest.approx(scored.value, rel=1e-5)
        assert float(seconds) > 0


def test_only_some(arguments, capsys):
    assert main([*arguments, "--proxy", "snip", "--proxy", "synflow", "--batches", "1"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["snip", "synflow"]


def test_wrong_input_is_a_sentence(arguments, capsys):
    assert main([*arguments, "--batches", "1"]) == 2
    assert capsys.readouterr().err.startswith("error: batches must be at least 2")
    assert main([*arguments, "--proxy", "luck"]) == 2
    assert "a proxy is one of parameters, multiply_adds, " in capsys.readouterr().err
