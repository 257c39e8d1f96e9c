"""A fidelity with several levels, through everything that trains: bank, trial, static steps, retraining, scores."""

import math
import random
from typing import Any

import numpy as np
import pytest
import torch

from nas.data.dataset import IGNORE
from nas.models.networks import SegmentationNetwork
from nas.specs import BackboneSpec, NetworkSpec
from nas.specs.channels import level_channels
from nas.specs.training_free import TRAINING_FREE
from nas.training.evaluate import evaluate
from nas.training.loop.batches import BankBatches
from nas.training.loop.graphed import StaticSteps
from nas.training.loop.pixels import to_network
from nas.training.pictures import predict
from nas.training.prepare import prepare
from nas.training.retrain import retrain
from nas.training.retrained import load_retrained
from nas.training.training_free import score
from nas.training.trial import build_loop, build_trial_network
from nas.weights.preprocessing import IMAGENET
from search_spaces.auto_deeplab.space import sample as sample_network
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.dense_cell.cost import CellSetting, cell_cost
from search_spaces.dense_cell.space import sample
from search_spaces.document import ArchitectureDocument
from search_spaces.reference.architecture import ReferenceHead

CPU = torch.device("cpu")
CELL = sample(4, random.Random(5), levels=(8, 16), channels=(12,))
HEADS = (CELL, PUBLISHED_CELL, ReferenceHead(name="aspp"))


@pytest.fixture(scope="module")
def fidelity(fidelity):
    """Levels 8 and 16 of a MobileNet-v2 cut after 8 stages: 8 and 16 channels."""
    backbone = BackboneSpec(width=0.25, blocks=8, output_stride=16, levels=(8, 16), warmup_iterations=4)
    return fidelity.model_copy(update={"backbone": backbone, "rungs": (3, 6)})


@pytest.fixture(scope="module")
def prepared(fidelity, workspace):
    return prepare(fidelity, workspace, device=CPU)


def trained(fidelity):
    """The same with a backbone that is trained with the head, on images."""
    return fidelity.model_copy(update={"backbone": fidelity.backbone.model_copy(update={"frozen": False})})


def measure(fidelity, workspace, architecture, **options: Any):
    found = evaluate(architecture, fidelity, 0, workspace=workspace, device="cpu", **options)
    return [measurement.model_dump(exclude={"seconds", "device_seconds"}) for measurement in found]


def test_the_bank_has_the_features_of_each_level(fidelity, prepared):
    assert level_channels(fidelity.backbone) == (8, 16)
    assert [level.shape for level in prepared.bank.train_features] == [(10, 8, 16, 8), (10, 4, 8, 16)]
    assert [level.shape for level in prepared.bank.val_features] == [(5, 8, 16, 8), (5, 4, 8, 16)]
    image, _ = prepared.validation_source().row(2)
    with torch.inference_mode():
        maps = prepared.backbone(frozen=True)(to_network(torch.from_numpy(image)[None], IMAGENET))
    for features, stored in zip(maps, prepared.bank.val_features, strict=True):
        torch.testing.assert_close(features[0].permute(1, 2, 0), torch.from_numpy(stored[2]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("architecture", HEADS, ids=["cell", "published", "aspp"])
def test_a_trial_on_the_bank_is_repeatable_and_resumes(fidelity, workspace, architecture, tmp_path):
    first = measure(fidelity, workspace, architecture, checkpoint=tmp_path / "trial.pt")
    assert [m["iteration"] for m in first] == [3, 6]
    assert measure(fidelity, workspace, architecture) == first
    assert measure(fidelity, workspace, architecture, checkpoint=tmp_path / "trial.pt") == first


def test_a_measurement_says_the_size_that_the_formulas_say(fidelity, workspace):
    """Beside the head the logits: 12 x 19 weights and 19 biases on 8x16 cells."""
    setting = CellSetting((8, 16), fidelity.head.channels, 8, fidelity.crop)
    cost, last = cell_cost(CELL, setting), measure(fidelity, workspace, CELL)[-1]
    assert last["parameters"] == cost.parameters + 12 * 19 + 19
    assert last["multiply_adds"] == cost.multiply_adds + 8 * 16 * 12 * 19


def test_static_steps_are_the_plain_steps(prepared):
    """What a CUDA graph replays, run here step by step on the CPU."""
    plain, static = (build_loop(build_trial_network(CELL, prepared, 0), prepared, 0, CPU) for _ in range(2))
    plain.train(6)
    assert isinstance(static.batches, BankBatches)
    static._graph = StaticSteps(static.batches, 100, static.optimizer, static._one_step)
    static.train(6)
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(value.float(), static.model.state_dict()[name].float(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "trained"])
def test_the_retrained_network_scores_what_was_measured(fidelity, workspace, tmp_path, frozen):
    fidelity = (fidelity if frozen else trained(fidelity)).model_copy(update={"label_stride": 1})
    document = ArchitectureDocument(kind="dense_cell", architecture=CELL)
    measured = retrain(document, fidelity, workspace, tmp_path, device="cpu")
    network = load_retrained(tmp_path)
    assert isinstance(network, SegmentationNetwork)
    assert [level.stride for level in network.backbone.levels] == [8, 16]
    source = prepare(fidelity, workspace, device="cpu").validation_source()
    rows = [source.row(row) for row in range(5)]
    guesses = np.stack([predict(network, image[None], CPU)[0] for image, _ in rows])
    labels = np.stack([label for _, label in rows])
    guesses[labels == IGNORE] = IGNORE
    for c, iou in enumerate(measured[-1].class_iou):
        either = ((labels == c) | (guesses == c)).sum()
        assert (iou or 0.0) == pytest.approx(((labels == c) & (guesses == c)).sum() / max(either, 1), abs=1e-3)


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "trained"])
def test_training_free_scores(fidelity, workspace, frozen):
    at = fidelity if frozen else trained(fidelity)
    scored = score(CELL, at, 0, workspace=workspace, device="cpu", threads=1)
    assert tuple(scored) == TRAINING_FREE
    assert all(math.isfinite(proxy.value) for proxy in scored.values())


def test_an_entire_network_ignores_the_levels(fidelity, workspace):
    """It has no backbone: the key of the fidelity differs, the measurement does not."""
    tiny = NetworkSpec(filters=2, stem_channels=4, aspp_channels=8, low_level_channels=4, decoder_channels=8)
    levels = fidelity.model_copy(update={"network": tiny, "batch": 2})
    none = levels.model_copy(update={"backbone": fidelity.backbone.model_copy(update={"levels": None})})
    assert levels.key != none.key
    network = sample_network(2, 4, random.Random(1))
    assert measure(levels, workspace, network) == measure(none, workspace, network)
