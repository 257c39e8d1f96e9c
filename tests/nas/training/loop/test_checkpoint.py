"""Checkpoints that are damaged, of others, or cannot be written."""

from __future__ import annotations

import logging
import random
import resource
from typing import Any

import pytest
import torch

from nas import aids
from nas.training.loop.checkpoint import load_checkpoint, save_checkpoint
from tests.nas.cache.damage import damage

STATE: dict[str, Any] = {"step": 3, "model": {"weight": torch.arange(12.0).reshape(3, 4)}, "losses": [0.1, 0.2]}


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch) -> None:
    monkeypatch.setattr(aids, "_said", set())


def fuzz(path, seeds) -> None:
    for seed in seeds:
        save_checkpoint(path, "key", STATE)
        done = damage(path, random.Random(seed))
        loaded = load_checkpoint(path, "key")
        if loaded is None:
            assert not path.exists(), (seed, done)  # set aside, or removed
        else:
            assert loaded["step"] == 3, (seed, done)
            assert torch.equal(loaded["model"]["weight"], STATE["model"]["weight"]), (seed, done)
            assert loaded["losses"] == STATE["losses"], (seed, done)


def test_a_damaged_checkpoint_is_not_used(tmp_path):
    fuzz(tmp_path / "checkpoint.pt", range(60))


@pytest.mark.chaos
def test_many_damaged_checkpoints_are_not_used(tmp_path):
    fuzz(tmp_path / "checkpoint.pt", range(1000, 5000))


def test_a_checkpoint_of_an_earlier_version_is_set_aside(tmp_path, caplog):
    path = tmp_path / "checkpoint.pt"
    torch.save({"key": "key", "state": STATE}, path)
    assert load_checkpoint(path, "key") is None
    assert "earlier version); it is set aside as checkpoint.pt.broken and the training begins anew" in caplog.text


def test_a_checkpoint_of_another_training_stays(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, "key", STATE)
    assert load_checkpoint(path, "other") is None
    with pytest.raises(ValueError, match="of another spec, seed or data set"):
        load_checkpoint(path, "other", refuse_others=True)
    assert path.exists()


def test_a_checkpoint_that_cannot_be_written_costs_one_warning_and_keeps_the_last(tmp_path, caplog):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, "key", STATE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # as on a full disk
    try:
        with caplog.at_level(logging.WARNING):
            for step in (4, 5):
                save_checkpoint(path, "key", {**STATE, "step": step})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    loaded = load_checkpoint(path, "key")
    assert loaded is not None
    assert loaded["step"] == 3
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]
    (record,) = caplog.records
    assert record.getMessage().startswith(f"checkpoint {path} cannot be written (File too large): the training goes on")


@pytest.mark.parametrize("place", ["below a file", "a name too long", "a folder"])
def test_wherever_a_checkpoint_cannot_be_written_the_training_goes_on(tmp_path, place, caplog):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.pt").mkdir()
    paths = {"below a file": "file/checkpoint.pt", "a name too long": "x" * 300, "a folder": "folder.pt"}
    save_checkpoint(tmp_path / paths[place], "key", STATE)
    assert "cannot be written" in caplog.text
