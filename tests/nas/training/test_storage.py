"""Two nodes that share a bucket and no disk: what one prepares the other fetches, to the bit, and its data too."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from nas.cache.entries import let_go
from nas.cache.shared import share
from nas.cache.tally import read_tally
from nas.data.entry import DatasetEntry
from nas.models.backbones.build import build_backbone
from nas.storage import Remote
from nas.training.evaluate import evaluate
from nas.training.prepare import prepare
from nas.training.workspace import Workspace
from nas.weights.entry import WeightsEntry
from search_spaces.reference.architecture import ReferenceHead
from tests.nas.training.test_damaged_cache import numbers


@pytest.fixture
def node(bucket, tmp_path):
    """Make a node's workspace: a home of its own, the data set by its URL, the bucket behind its cache."""
    made: list[Path] = []

    def make(name: str) -> Workspace:
        home = tmp_path / name
        entry = DatasetEntry(layout="cityscapes", root=home / "data" / "tiny", url=f"{bucket}/data/tiny")
        made.append(home / "cache")
        return Workspace({"tiny": entry}, {}, home / "cache", home / "artifacts", storage=f"{bucket}/segnas")

    yield make
    for cache in made:
        share(cache, None)
    let_go()


@pytest.fixture
def uploaded(bucket, tiny_root) -> None:
    """The data set in the bucket."""
    remote = Remote(f"{bucket}/data/tiny")
    for file in tiny_root.rglob("*.png"):
        remote.upload(file, file.relative_to(tiny_root).as_posix())


def outcomes(workspace: Workspace) -> dict[str, int]:
    """How often entries were found, fetched, made and broken, over all folders of a cache."""
    counts: dict[str, int] = {}
    for (_, outcome), number in (read_tally(workspace.cache) or {}).items():
        counts[outcome] = counts.get(outcome, 0) + number
    return counts


@pytest.mark.usefixtures("uploaded")
def test_the_second_node_builds_nothing(node, fidelity):
    one, two = node("one"), node("two")
    first = prepare(fidelity, one, device="cpu")
    made = outcomes(one)["made"]
    assert made >= 4  # labels, a backbone, statistics of its features, the bank
    stages: set[str] = set()
    second = prepare(fidelity, two, device="cpu", progress=lambda stage, *_: stages.add(stage))
    assert outcomes(two) == {"hit": 0, "fetched": made, "made": 0, "broken": 0}
    assert stages <= {"fetching", "files"}, "only its data set"
    assert numbers(first) == numbers(second)
    head = ReferenceHead(name="conv1x1")
    scores = [
        [measured.score for measured in evaluate(head, fidelity, 3, workspace=workspace, device="cpu")]
        for workspace in (one, two)
    ]
    assert scores[0] == scores[1]


def test_weights_are_fetched_by_their_url(node, bucket, fidelity, workspace, tmp_path):
    torch.manual_seed(0)
    save_file(build_backbone(fidelity.backbone).state_dict(), tmp_path / "given.safetensors")
    Remote(bucket).upload(tmp_path / "given.safetensors", "weights/given.safetensors")
    entry = WeightsEntry(path=tmp_path / "here.safetensors", url=f"{bucket}/weights/given.safetensors")
    given = Workspace(workspace.datasets, {"given": entry}, tmp_path / "cache", tmp_path)
    backbone = fidelity.backbone.model_copy(update={"weights": "given"})
    prepared = prepare(fidelity.model_copy(update={"backbone": backbone}), given, device="cpu")
    assert prepared.weights == entry.path
    assert entry.path.read_bytes() == (tmp_path / "given.safetensors").read_bytes()


def test_data_that_cannot_be_fetched_are_named_with_their_url(node, fidelity, tmp_path):
    with pytest.raises(ValueError, match=r"data set 'tiny': there is nothing at s3://features/\S+/data/tiny"):
        prepare(fidelity, node("one"), device="cpu")
    backbone = fidelity.backbone.model_copy(update={"weights": "gone"})
    entry = WeightsEntry(path=tmp_path / "x.pth", url="s3://features/gone.pth")
    with pytest.raises(ValueError, match="weights 'gone': there is nothing at s3://features/gone"):
        Workspace({}, {"gone": entry}, Path("cache"), Path("artifacts")).backbone_source(backbone)
