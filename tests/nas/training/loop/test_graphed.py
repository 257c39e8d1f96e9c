"""CUDA graphs. The arithmetic of a static step is tested on the CPU in test_loop.py; capturing it needs a GPU."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch

from nas.results.measurement import Measurement
from nas.specs import LossSpec
from nas.training.evaluate import evaluate
from nas.training.loop.batches import BankBatches
from nas.training.prepare import prepare
from nas.training.trial import build_loop, build_trial_network
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture
def prepared(fidelity, workspace):
    return prepare(fidelity, workspace, device="cuda")


def new_loop(prepared):
    device = torch.device("cuda", 0)
    return build_loop(build_trial_network(PUBLISHED_CELL, prepared, 0), prepared, 0, device)


EXTRA = {"loss": LossSpec(name="focal", dice=1.0), "ema": 0.9}
"""Options of training whose work is part of the captured step."""


@pytest.mark.parametrize("extra", [{}, EXTRA], ids=["plain", "options"])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_replayed_steps_are_the_plain_steps(fidelity, workspace, dropout, extra):
    head = fidelity.head.model_copy(update={"dropout": dropout})
    optimizer = fidelity.optimizer.model_copy(update={"clip_norm": 1.0} if extra else {})
    update = {"head": head, "optimizer": optimizer, **extra}
    prepared = prepare(fidelity.model_copy(update=update), workspace, device="cuda")
    plain, graphed = new_loop(prepared), new_loop(prepared)
    plain.capture_graph = False
    plain.train(20)
    graphed.train(12)
    graphed.train(20)
    assert graphed._graph is not None
    plain.adopt_average()
    graphed.adopt_average()
    if dropout == 0.0:  # captured dropout draws from the same generator, but not at the same offsets
        for name, value in plain.model.state_dict().items():
            assert torch.allclose(value.float(), graphed.model.state_dict()[name].float(), atol=1e-3), name
    assert plain.pop_train_loss() == pytest.approx(graphed.pop_train_loss(), rel=0.2)


def test_a_capture_leaves_the_start_as_it_was(prepared):
    loop = new_loop(prepared)
    before = {name: value.clone() for name, value in loop.model.state_dict().items()}
    loop._steps(0, 0)
    assert loop._graph is not None
    assert all(torch.equal(value, before[name]) for name, value in loop.model.state_dict().items())
    assert float(loop._loss_sum) == 0.0


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_scores_twice_and_after_going_on(fidelity, workspace, tmp_path, precision):
    asked = fidelity.model_copy(update={"precision": precision})

    def begin(checkpoint: Path | None = None) -> Iterator[Measurement]:
        return evaluate(PUBLISHED_CELL, asked, 0, workspace=workspace, device="cuda", checkpoint=checkpoint)

    def scores(checkpoint: Path | None = None) -> list[float]:
        return [measurement.score for measurement in begin(checkpoint)]

    whole = scores()
    assert scores() == whole
    path = tmp_path / "checkpoint.pt"
    running = begin(path)
    next(running)
    assert isinstance(running, Generator)
    running.close()
    assert scores(path) == whole


def test_the_bank_lies_on_the_device_where_it_fits(prepared):
    batches = new_loop(prepared).batches
    assert isinstance(batches, BankBatches)
    assert batches.resident
    assert {tensor.device.type for tensor in (*batches.features, batches.labels)} == {"cuda"}


def test_a_bank_that_does_not_fit_is_read_from_the_host(prepared, monkeypatch):
    fits = new_loop(prepared)
    monkeypatch.setattr("nas.training.loop.batches.GPU_SHARE", 0.0)
    loop = new_loop(prepared)
    assert isinstance(loop.batches, BankBatches)
    assert not loop.batches.resident
    for trained in (fits, loop):
        trained.train(8)
    assert loop._graph is None
    assert loop.pop_train_loss() == pytest.approx(fits.pop_train_loss(), rel=0.2)


def test_the_backbone_trained_on_a_gpu(fidelity, workspace):
    backbone = fidelity.backbone.model_copy(update={"frozen": False})
    asked = fidelity.model_copy(update={"backbone": backbone, "rungs": (2, 4)})
    measured = list(evaluate(PUBLISHED_CELL, asked, 0, workspace=workspace, device="cuda"))
    assert [m.iteration for m in measured] == [2, 4]
