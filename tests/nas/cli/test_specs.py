"""A fidelity from whatever holds one: its own file, a search spec, an exported architecture."""

from __future__ import annotations

import json

import pytest
import yaml

from nas.cli.specs import FileError, read_fidelity
from search_spaces import PUBLISHED_CELL, Provenance, write_document
from tests.builders import scenes_fidelity

FIDELITY = scenes_fidelity(100, 200)
DATA = FIDELITY.model_dump(mode="json")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", yaml.safe_dump(DATA)),
        ("b.json", json.dumps(DATA)),
        ("spec.yaml", yaml.safe_dump({"name": "search", "trials": 3, "fidelity": DATA})),
        ("trial7.json", json.dumps(write_document(PUBLISHED_CELL, Provenance(search="s1", trial=7, fidelity=DATA)))),
    ],
)
def test_where_a_fidelity_stands(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    assert read_fidelity(path) == FIDELITY
    assert read_fidelity(path, "mine") == FIDELITY.model_copy(update={"dataset": "mine"})


def test_a_document_without_a_fidelity_is_none(tmp_path):
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(write_document(PUBLISHED_CELL)))
    with pytest.raises(FileError, match=r"cell\.json"):
        read_fidelity(path)
