"""What every measurement says of the size of what was trained; checkpoints from before it was said."""

import json
import time
from collections.abc import Generator

import pytest
import torch

from nas.models.complexity import Complexity
from nas.models.networks import SegmentationNetwork
from nas.training.evaluate import evaluate
from nas.training.loop.checkpoint import save_checkpoint
from nas.training.prepare import prepare
from nas.training.retrain import retrain
from nas.training.retrained import METRICS
from nas.training.trial import build_loop, build_trial_network, trial_complexity
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import ArchitectureDocument
from search_spaces.reference.architecture import ReferenceHead

CPU = torch.device("cpu")
CLASSES, CHANNELS = 19, 8


def test_a_plain_head_by_hand(fidelity, workspace):
    prepared = prepare(fidelity, workspace, device="cpu")
    network = build_trial_network(ReferenceHead(name="conv1x1"), prepared, 0)
    assert isinstance(network, SegmentationNetwork)
    width = network.backbone.levels[0].channels
    loop = build_loop(network, prepared, 0, CPU)
    cells = (64 // 8) * (128 // 8)
    assert trial_complexity(loop.model, prepared) == Complexity(
        parameters=width * CHANNELS + 2 * CHANNELS + CHANNELS * CLASSES + CLASSES,
        multiply_adds=cells * (width * CHANNELS + CHANNELS * CLASSES),
    )


def test_counting_is_cheap_and_leaves_the_model(fidelity, workspace):
    prepared = prepare(fidelity, workspace, device="cpu")
    loop = build_loop(build_trial_network(PUBLISHED_CELL, prepared, 0), prepared, 0, CPU)
    before = {name: tensor.clone() for name, tensor in loop.model.state_dict().items()}
    trial_complexity(loop.model, prepared)
    started = time.process_time()
    trial_complexity(loop.model, prepared)
    assert time.process_time() - started < 0.2  # some 5 ms on an idle core
    assert all(torch.equal(tensor, before[name]) for name, tensor in loop.model.state_dict().items())


def test_a_checkpoint_from_before_is_gone_on_from(fidelity, workspace, tmp_path):
    path = tmp_path / "trial.pt"
    whole = list(evaluate(PUBLISHED_CELL, fidelity, 0, workspace=workspace, device="cpu"))
    running = evaluate(PUBLISHED_CELL, fidelity, 0, workspace=workspace, device="cpu", checkpoint=path)
    next(running)
    assert isinstance(running, Generator)
    running.close()
    old = torch.load(path, weights_only=True)
    for measured in old["state"]["measured"]:
        del measured["parameters"], measured["multiply_adds"]
    save_checkpoint(path, old["key"], old["state"])
    first, second = evaluate(PUBLISHED_CELL, fidelity, 0, workspace=workspace, device="cpu", checkpoint=path)
    assert (first.parameters, first.multiply_adds) == (None, None)  # yielded again as it was
    assert (second.parameters, second.multiply_adds) == (whole[1].parameters, whole[1].multiply_adds)
    assert second.score == whole[1].score


@pytest.mark.parametrize("frozen", [True, False])
def test_retraining_writes_it_too(fidelity, workspace, tmp_path, frozen):
    backbone = fidelity.backbone.model_copy(update={"frozen": frozen})
    short = fidelity.model_copy(update={"rungs": (2,), "backbone": backbone})
    document = ArchitectureDocument(kind="dense_cell", architecture=PUBLISHED_CELL)
    (measured,) = retrain(document, short, workspace, tmp_path, device="cpu")
    metrics = json.loads((tmp_path / METRICS).read_text())
    assert metrics["rungs"][0]["multiply_adds"] == measured.multiply_adds
    assert metrics["rungs"][0]["parameters"] == measured.parameters == metrics["trained_parameters"]
