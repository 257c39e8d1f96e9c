"""Trials that share a device: each measures what it measures alone."""

from __future__ import annotations

import multiprocessing

import pytest
import torch

from nas.specs import Fidelity
from nas.training.evaluate import evaluate
from nas.training.prepare import prepare
from nas.training.workspace import Workspace
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

DEVICES = [
    pytest.param(("cpu", 2), id="two on a CPU"),
    pytest.param(
        ("cuda", 4),
        id="four on a GPU",
        marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
    ),
]


def scores(fidelity: Fidelity, workspace: Workspace, seed: int, device: str) -> list[float]:
    """The scores of a trial; run in a process of its own as well."""
    torch.set_num_threads(1)
    measurements = evaluate(PUBLISHED_CELL, fidelity, seed, workspace=workspace, device=device)
    return [measurement.score for measurement in measurements]


@pytest.mark.parametrize("together", DEVICES)
def test_trials_that_share_a_device_measure_what_they_measure_alone(fidelity, workspace, together):
    device, count = together
    prepare(fidelity, workspace, device=device)
    alone = [scores(fidelity, workspace, seed, device) for seed in range(2)]
    tasks = [(fidelity, workspace, place % 2, device) for place in range(count)]
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        found = pool.starmap(scores, tasks, chunksize=1)
    assert found == [alone[place % 2] for place in range(count)]
