"""Architectures without a backbone (auto_deeplab): measured, retrained, loaded; end to end on images."""

import functools
import json
import random
from collections.abc import Generator
from typing import Any

import pytest
import torch

from nas.models.parameters import count_parameters
from nas.results.measurement import TrialError
from nas.specs import NetworkSpec
from nas.training.__main__ import main
from nas.training.evaluate import evaluate
from nas.training.prepare import prepare
from nas.training.retrain import retrain
from nas.training.retrained import load_retrained
from nas.training.trial import build_loop, build_trial_network
from nas.training.workspace import Workspace
from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab
from search_spaces.auto_deeplab.space import sample
from search_spaces.document import ArchitectureDocument, Provenance, read_architecture

CPU = torch.device("cpu")
TINY = NetworkSpec(
    filters=2, stem_channels=4, aspp_channels=8, low_level_channels=4, decoder_channels=8, dropout=0.1, drop_path=0.3
)
SMALL = sample(2, 4, random.Random(1))


@pytest.fixture(scope="module")
def fidelity(fidelity):
    return fidelity.model_copy(update={"network": TINY, "rungs": (3, 6), "batch": 2})


@pytest.fixture(scope="module")
def prepared(fidelity, workspace):
    return prepare(fidelity, workspace, whole_network=True, device="cpu")


@pytest.mark.parametrize("seed", range(4))
def test_random_architectures_of_the_space_train(fidelity, workspace, seed):
    rng = random.Random(seed)
    architecture = sample(rng.randint(1, 5), rng.randint(1, 6), rng)
    measured = list(evaluate(architecture, fidelity, seed, workspace=workspace, device="cpu", threads=1))
    assert [m.iteration for m in measured] == [3, 6]
    assert all(0 <= m.score <= 1 for m in measured)


def test_a_longer_training_learns(fidelity, workspace):
    long = fidelity.model_copy(update={"rungs": (60,), "network": TINY.model_copy(update={"drop_path": 0.0})})
    (measured,) = evaluate(SMALL, long, 0, workspace=workspace, device="cpu", threads=1)
    road, sky = measured.class_iou[0], measured.class_iou[10]
    assert road is not None
    assert sky is not None
    assert min(road, sky) > 0.6


def test_nothing_of_a_backbone_is_prepared(fidelity, workspace, tmp_path):
    fresh = Workspace(workspace.datasets, {}, tmp_path / "cache", tmp_path)
    stages = set()
    list(evaluate(SMALL, fidelity, 0, workspace=fresh, device="cpu", progress=lambda s, *_: stages.add(s)))
    assert "warm-up" not in stages
    made = {path.name for path in fresh.cache.iterdir()}
    assert "statistics" in made
    assert not made & {"banks", "backbones"}
    unknown = fidelity.backbone.model_copy(update={"weights": "gone"})
    prepared = prepare(fidelity.model_copy(update={"backbone": unknown}), fresh, whole_network=True, device="cpu")
    assert (prepared.weights, prepared.statistics, prepared.bank) == (None, None, None)
    assert sum(prepared.class_pixels) > 0


def test_classes_are_counted_as_for_a_trained_backbone(prepared, fidelity, workspace):
    trained = fidelity.backbone.model_copy(update={"frozen": False})
    other = prepare(fidelity.model_copy(update={"backbone": trained}), workspace, device="cpu")
    assert prepared.class_pixels == other.class_pixels


def test_the_seed_decides_the_weights(prepared):
    networks = (build_trial_network(SMALL, prepared, seed) for seed in (5, 5, 6))
    one, same, other = (network.get_parameter("stem.conv0.weight") for network in networks)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def trained_with_stops(prepared, stops):
    state: dict[str, Any] = {}
    for stop in stops:
        torch.manual_seed(stop)  # what else happens in the process must not matter
        loop = build_loop(build_trial_network(SMALL, prepared, 0), prepared, 0, CPU)
        if state:
            loop.load(state)
        loop.train(stop)
        state = loop.state()
    return state["model"]


def test_stopped_at_a_step_it_goes_on_bit_identically(prepared):
    whole, torn = trained_with_stops(prepared, [5]), trained_with_stops(prepared, [2, 3, 5])
    assert int(whole["drop_path.steps"]) == 5
    for name, value in whole.items():
        assert torch.equal(value, torn[name]), name


def test_a_checkpoint_is_gone_on_from(fidelity, workspace, tmp_path):
    path = tmp_path / "torn.pt"
    begin = functools.partial(evaluate, SMALL, fidelity, 1, workspace=workspace, device="cpu", threads=1)
    whole = [m.score for m in begin()]
    torn = begin(checkpoint=path)
    first = next(torn)
    assert isinstance(torn, Generator)
    torn.close()
    again = list(begin(checkpoint=path))
    assert [m.score for m in again] == whole
    assert again[0] == first  # its seconds too: it was not trained again


def test_a_crop_too_small_ends_the_trial_with_a_sentence(fidelity, workspace):
    small = fidelity.model_copy(update={"crop": (32, 64)})
    with pytest.raises(TrialError, match=r"crop \[32, 64\] does not fit a path down to stride 32"):
        list(evaluate(PUBLISHED_AUTO_DEEPLAB, small, 0, workspace=workspace, device="cpu"))


def test_retraining_leaves_a_network_that_loads(fidelity, workspace, tmp_path):
    document = ArchitectureDocument(
        kind="auto_deeplab", architecture=PUBLISHED_AUTO_DEEPLAB, provenance=Provenance(search="s0123456789ab")
    )
    measured = retrain(document, fidelity, workspace, tmp_path, seed=2, device="cpu", threads=1)
    written = read_architecture(tmp_path / "architecture.json")
    assert isinstance(written.architecture, AutoDeepLab)
    assert written.architecture.blocks == PUBLISHED_AUTO_DEEPLAB.canonical().blocks  # the order of the weights
    assert written.provenance.search == "s0123456789ab"
    assert written.provenance.fidelity is not None
    assert written.provenance.fidelity["network"] == TINY.model_dump()
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["score"] == measured[-1].score
    assert list(metrics["parameters"]) == ["stem", "cells", "aspp", "decoder", "classifier"]
    network = load_retrained(tmp_path)
    assert metrics["trained_parameters"] == sum(metrics["parameters"].values()) == count_parameters(network)
    assert int(network.get_buffer("drop_path.steps")) == 6
    assert network(torch.zeros(1, 3, 64, 128)).shape == (1, 19, 16, 32)
    again = retrain(document, fidelity, workspace, tmp_path / "again", seed=2, device="cpu", threads=1)
    assert [m.score for m in again] == [m.score for m in measured]
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()


def interrupt(stage, done, total):
    if stage == "training" and done >= 2:
        raise InterruptedError


def test_a_stopped_retraining_ends_with_the_same_weights(fidelity, workspace, tmp_path):
    document = ArchitectureDocument(kind="auto_deeplab", architecture=SMALL)

    retrained = functools.partial(
        retrain, document, fidelity, workspace, device="cpu", threads=1, checkpoint_seconds=0.0
    )
    retrained(tmp_path / "whole")
    with pytest.raises(InterruptedError):
        retrained(tmp_path / "torn", progress=interrupt)
    assert (tmp_path / "torn" / "checkpoint.pt").exists()
    steps: list[int] = []
    retrained(tmp_path / "torn", progress=lambda stage, done, _: steps.append(done))
    assert steps[0] > 1
    one, other = ((tmp_path / folder / "model.safetensors").read_bytes() for folder in ("whole", "torn"))
    assert one == other


def test_the_command_line_takes_tensorflows_form(fidelity, tiny_root, tmp_path, capsys):
    architecture, settings = tmp_path / "network.json", tmp_path / "fidelity.json"
    lists = {"operations": ["atrous_3x3", "separable_3x3_2"], "hiddenstate_indices": [1, 0], "backbone": [0, 1, 2]}
    architecture.write_text(json.dumps(lists))
    settings.write_text(fidelity.model_dump_json())
    common = ["--fidelity", str(settings), "--dataset", f"tiny=cityscapes:{tiny_root}", "--cache", str(tmp_path / "c")]
    common += ["--device", "cpu", "--threads", "1"]
    assert main(["evaluate", str(architecture), *common]) == 0
    assert [json.loads(line)["iteration"] for line in capsys.readouterr().out.splitlines()] == [3, 6]
    assert main(["retrain", str(architecture), *common, "--output", str(tmp_path / "out")]) == 0
    assert load_retrained(tmp_path / "out").strides == (4, 8, 16)
