"""Preparations and trials on caches that are damaged or cannot be written: the same numbers as without."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nas import aids
from nas.cache import entries
from nas.cache.sealed import ChangedMeanwhileError
from nas.data.entry import DatasetEntry
from nas.specs import Fidelity
from nas.training.evaluate import evaluate
from nas.training.prepare import Prepared, prepare
from nas.training.workspace import Workspace
from search_spaces.reference.architecture import ReferenceHead
from tests.nas.cache.damage import damage

HEAD = ReferenceHead(name="conv1x1")


@pytest.fixture(scope="module")
def workspace(tiny_root, tmp_path_factory) -> Workspace:
    """A cache of this file's own: what is made anew has the numbers of one thread, as everything here."""
    entry = DatasetEntry(layout="cityscapes", root=tiny_root)
    base = tmp_path_factory.mktemp("damaged")
    return Workspace({"tiny": entry}, {}, base / "cache", base / "artifacts")


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(aids, "_said", set())  # what other tests have warned of is not said again
    yield
    entries.let_go()


def numbers(prepared: Prepared) -> list[object]:
    bank = prepared.bank
    assert bank is not None
    assert prepared.source is not None
    arrays = (*bank.train_features, bank.train_labels, *bank.val_features, bank.val_labels)
    return [
        prepared.source.weights_key(),
        prepared.statistics,
        prepared.class_pixels,
        prepared.inputs_key,
        *[np.asarray(array).tobytes() for array in arrays],
    ]


def scores(fidelity: Fidelity, workspace: Workspace, checkpoint: Path | None = None) -> list[tuple[float, float]]:
    measured = evaluate(HEAD, fidelity, 3, workspace=workspace, device="cpu", checkpoint=checkpoint)
    return [(one.score, one.val_loss) for one in measured]


def test_whatever_is_damaged_is_named_and_made_anew(fidelity, workspace, tmp_path, caplog):
    whole = numbers(prepare(fidelity, workspace, device="cpu"))
    other = replace(workspace, cache=tmp_path / "cache")
    shutil.copytree(workspace.cache, other.cache)
    prepared = prepare(fidelity, other, device="cpu")
    assert prepared.weights is not None
    assert prepared.bank is not None
    features = prepared.bank.folder / "train_features_0.npy"
    damaged = [prepared.weights, features, *(other.cache / "statistics").glob("*.json")]
    for file in damaged:
        size = file.stat().st_size
        file.write_bytes(file.read_bytes()[: size // 2] + bytes(size - size // 2))
    assert numbers(prepare(fidelity, other, device="cpu")) == whole
    used = [file for file in damaged if f"{file} " in caplog.text]
    assert {prepared.weights, features} <= set(used)
    assert any(file.name.endswith("-labels.json") for file in used)
    assert any(file.parent.name == "statistics" and not file.name.endswith("-labels.json") for file in used)


def test_features_that_are_damaged_while_they_are_read_give_no_score(fidelity, workspace, tmp_path):
    expected = scores(fidelity, workspace)
    other = replace(workspace, cache=tmp_path / "cache")
    shutil.copytree(workspace.cache, other.cache)
    prepared = prepare(fidelity, other, device="cpu")
    assert prepared.bank is not None
    path = tmp_path / "checkpoint.pt"
    measured = evaluate(HEAD, fidelity, 3, workspace=other, device="cpu", checkpoint=path)
    first = next(iter(measured))
    file = prepared.bank.folder / "train_features_0.npy"
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(size // 2)
        opened.write(bytes(size - size // 2))
    with pytest.raises(ChangedMeanwhileError, match=r"train_features_0\.npy has changed since it was written"):
        next(measured)
    assert first.score == expected[0][0]
    assert scores(fidelity, other, path) == expected  # the next attempt, from the checkpoint of the first rung


def test_a_trial_without_a_writable_disk_has_the_same_scores(fidelity, workspace, tmp_path, caplog):
    expected = scores(fidelity, workspace)
    (tmp_path / "file").write_text("where folders should be made")
    nowhere = replace(workspace, cache=tmp_path / "file" / "cache")
    prepared = prepare(fidelity, nowhere, device="cpu")
    assert prepared.weights is None
    assert prepared.inputs_key == prepare(fidelity, workspace, device="cpu").inputs_key
    with caplog.at_level(logging.WARNING):
        stages: list[str] = []
        prepare(fidelity, nowhere, device="cpu", progress=lambda stage, *_: stages.append(stage))
        assert not stages  # this process has made all of it
        assert scores(fidelity, nowhere, tmp_path / "file" / "checkpoint.pt") == expected
    assert caplog.text.count("checkpoint") == 2  # its kind and its name, in one warning for both rungs


@pytest.mark.chaos
def test_many_damages_of_a_whole_cache(fidelity, workspace, tmp_path):
    whole = numbers(prepare(fidelity, workspace, device="cpu"))
    other = replace(workspace, cache=tmp_path / "cache")
    prepare(fidelity, other, device="cpu")
    for seed in range(100):
        rng = random.Random(seed)
        files = sorted(path for path in other.cache.rglob("*") if path.is_file() and path.suffix != ".lock")
        file = rng.choice([path for path in files if ".broken" not in str(path)])
        done = damage(file, rng)
        assert numbers(prepare(fidelity, other, device="cpu")) == whole, (seed, file, done)
