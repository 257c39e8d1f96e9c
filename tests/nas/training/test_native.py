"""Trials with native kernels: prepared beside the data, named in the environment, training the same network."""

import copy
import logging

import pytest
import torch

from nas.models.backbones.base import Level
from nas.models.layers.native import prepare_kernels, without_kernels
from nas.models.networks import build_classifier_head
from nas.specs import HeadSpec
from nas.training.environment import NATIVE, environment_of
from nas.training.evaluate import evaluate
from nas.training.loop.losses import SegmentationLoss
from nas.training.native import kernels_meanwhile
from nas.training.prepare import prepare
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

CPU = torch.device("cpu")


def test_kernels_are_named_in_the_environment(fidelity, workspace, native_heads):
    prepared = prepare(fidelity, workspace, device=CPU)
    with_kernels = environment_of(prepared, CPU)
    with without_kernels():
        without = environment_of(prepared, CPU)
    assert with_kernels.software == without.software | {NATIVE: native_heads.identity}
    assert with_kernels.key != without.key


def test_a_trial_with_kernels_repeats_to_the_last_bit(fidelity, workspace, native_heads):
    short = fidelity.model_copy(update={"rungs": (6,)})
    first, second = (list(evaluate(PUBLISHED_CELL, short, 0, workspace=workspace, device=CPU))[-1] for _ in range(2))
    assert first.environment is not None
    assert first.environment.software[NATIVE] == native_heads.identity
    assert (first.score, first.train_loss, first.val_loss) == (second.score, second.train_loss, second.val_loss)


def trained(head, x, labels, steps):
    """Train a copy of a head with Adam; return its logits in validation."""
    head = copy.deepcopy(head).train()
    loss, adam = SegmentationLoss(torch.ones(5)).double(), torch.optim.Adam(head.parameters(), 0.01)
    for _ in range(steps):
        adam.zero_grad()
        loss(head(x), labels).backward()
        adam.step()
    with torch.inference_mode():
        logits: torch.Tensor = head.eval()(x)
    return logits


@pytest.mark.usefixtures("native_heads")
def test_kernels_train_the_same_network():
    """In float64, where what rounds differently stays small: weights, statistics and predictions are the same."""
    torch.manual_seed(0)
    setting = HeadSpec(channels=16, dropout=0.0, rate_multiplier=1)
    head = build_classifier_head(PUBLISHED_CELL, [Level(8, 24)], 5, setting, (128, 256)).double()
    x, labels = torch.randn(4, 24, 16, 32, dtype=torch.float64), torch.randint(5, (4, 16, 32), dtype=torch.uint8)
    found = trained(head, x, labels, 30)
    with without_kernels():
        wanted, untrained = trained(head, x, labels, 30), trained(head, x, labels, 0)
    assert float((wanted - untrained).abs().max()) > 1  # the training did something
    assert float((found - wanted).abs().max()) < 1e-5
    assert float((found.argmax(1) != wanted.argmax(1)).double().mean()) < 1e-4


@pytest.mark.parametrize("say", [True, False])
def test_why_there_are_none_is_said_where_somebody_watches(monkeypatch, tmp_path, caplog, say):
    monkeypatch.setenv("SEGNAS_NATIVE", "true")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with (
        without_kernels(),
        caplog.at_level(logging.WARNING, "nas.training.native"),
        kernels_meanwhile(CPU, allowed=True, say=say),
    ):
        pass
    assert len(caplog.records) == int(say)
    assert not say or "no C++ compiler" in caplog.text


def test_a_gpu_has_no_kernels(monkeypatch):
    monkeypatch.setattr("nas.training.native.prepare_kernels", lambda *_: pytest.fail("asked for kernels"))
    with kernels_meanwhile(torch.device("cuda"), allowed=True, say=True):
        pass
    assert prepare_kernels("heads") is None  # the tests' setting allows none
