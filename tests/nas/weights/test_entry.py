import json

import pytest
from pydantic import ValidationError

from nas.settings import Settings, read_settings
from nas.weights.entry import WeightsEntry
from nas.weights.preprocessing import IMAGENET, Preprocessing


def test_a_path_alone_or_with_a_preprocessing(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGNAS_HOME", str(tmp_path))
    (tmp_path / "config.yaml").write_text(
        "weights:\n  plain: /data/a.pth\n  half: {path: /data/b.pth, mean: [0.5, 0.5, 0.5], input_space: BGR}\n"
    )
    entries = read_settings().weights
    assert entries["plain"].preprocessing(IMAGENET) == IMAGENET
    half = entries["half"].preprocessing(IMAGENET)
    assert half == Preprocessing(mean=(0.5, 0.5, 0.5), std=IMAGENET.std, input_space="BGR")
    assert entries["plain"].model_dump(mode="json") == {"path": "/data/a.pth"}


def test_workers_read_what_the_server_writes(tmp_path, monkeypatch):
    settings = Settings(
        home=tmp_path, weights={"w": {"path": "/data/w.pth", "std": (1, 1, 1), "input_range": (0, 255)}}
    )
    text = json.dumps({name: entry.model_dump(mode="json") for name, entry in settings.weights.items()})
    monkeypatch.setenv("SEGNAS_WEIGHTS", text)
    assert Settings(home=tmp_path).weights == settings.weights


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"std": (0, 1, 1)}, "std"), ({"input_range": (1, 0)}, "lowest, highest"), ({"sdt": (1, 1, 1)}, "sdt")],
)
def test_mistakes_are_found_when_they_are_registered(fields, message):
    with pytest.raises(ValidationError, match=message):
        WeightsEntry.model_validate({"path": "/data/w.pth", **fields})
