"""Two gloo processes that train one model, against one process with the whole batch."""

from __future__ import annotations

import os
import pickle
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.training.loop.checkpoint import checkpoint_key
from nas.training.loop.distributed import Peers
from nas.training.loop.losses import SegmentationLoss
from nas.training.loop.predictions import PredictionKeeper
from nas.training.prepare import prepare
from nas.training.trial import build_loop, build_trial_network
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

CPU = torch.device("cpu")
PROCESS = Path(__file__).with_name("group_process.py")
alone = runpy.run_path(str(PROCESS))


@pytest.fixture(scope="module")
def task(fidelity, workspace, tmp_path_factory):
    prepare(fidelity, workspace, device=CPU)
    return fidelity, workspace, tmp_path_factory.mktemp("group")


@pytest.fixture(scope="module")
def group(task) -> list[dict[str, Any]]:
    """What each of the two processes found, scenario by scenario."""
    fidelity, workspace, folder = task
    (folder / "task").write_bytes(pickle.dumps((fidelity, workspace)))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, "-W", "error", PROCESS, folder, str(rank)], env=environment)
        for rank in (0, 1)
    ]
    try:
        assert [process.wait(120) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.parametrize("scenario", ["steps", "levels"])
@pytest.mark.parametrize("training", alone["TRAININGS"])
def test_every_step_is_that_of_one_process(group, task, training, scenario):
    """In float64, without batch norm; shares with 128 and 16 labelled pixels an image, and class weights."""
    one = alone[scenario](task)[training]
    for process in group:
        assert torch.allclose(process[scenario][training]["after"], one["after"], rtol=0, atol=1e-9)
        assert process[scenario][training]["loss"] == pytest.approx(one["loss"], abs=1e-12)
        assert torch.allclose(process[scenario][training]["adopted"], one["adopted"], rtol=0, atol=1e-9)
    moved = one["after"][-1] - one["after"][0]
    assert moved.abs().max() > 1e-2


def test_parts_of_a_mean_add_up_where_the_mean_of_means_is_another():
    torch.manual_seed(0)
    criterion = SegmentationLoss(torch.tensor([1.0, 3.0]))
    logits, labels = torch.randn(2, 2, 4, 4), torch.randint(0, 2, (2, 4, 4), dtype=torch.uint8)
    labels[1, 1:] = 255
    counted = criterion.counted(labels)
    assert counted == sum((1.0, 3.0)[label] for label in labels.flatten().tolist() if label != 255)
    parts = [criterion(logits[i : i + 1], labels[i : i + 1], counted) for i in (0, 1)]
    means = [criterion(logits[i : i + 1], labels[i : i + 1]) for i in (0, 1)]
    assert sum(parts).item() == pytest.approx(criterion(logits, labels).item(), rel=1e-6)
    assert abs(sum(means).item() / 2 - criterion(logits, labels).item()) > 1e-2


def test_only_the_first_process_yields_and_going_on_is_bit_identical(group):
    first, again = group[0]["resumed"]["first"], group[0]["resumed"]["again"]
    assert [m["iteration"] for m in first] == [8, 20]
    assert again[0] == first[0]
    seconds = {"seconds", "device_seconds"}
    assert {k: v for k, v in again[1].items() if k not in seconds} == {
        k: v for k, v in first[1].items() if k not in seconds
    }
    assert first[1]["device_seconds"] == pytest.approx(2 * 0.5 * first[1]["seconds"])
    assert group[1]["resumed"] == {"first": [], "again": []}


def test_going_on_within_a_rung_is_bit_identical_for_both(group):
    for process in group:
        first, again = process["resumed_within_a_rung"]["first"], process["resumed_within_a_rung"]["again"]
        assert process["resumed_within_a_rung"]["began"] > 4
        assert all(torch.equal(first[name], again[name]) for name in first)


def test_the_state_is_not_taken_for_another_number_of_processes(task):
    fidelity, *_ = task
    keys = {checkpoint_key("a", fidelity.key, 0, CPU, processes) for processes in (1, 2, 4)}
    assert len(keys) == 3
    assert checkpoint_key("a", "f", 0, CPU) == checkpoint_key("a", "f", 0, CPU, 1)


def test_the_score_is_that_of_the_one_model(group, task):
    fidelity, workspace, _ = task
    one, other = (process["trained"] for process in group)
    assert one["model"].keys() == other["model"].keys()
    assert all(torch.equal(one["model"][name], other["model"][name]) for name in one["model"])
    assert (one["score"], one["loss"]) == (other["score"], other["loss"])
    prepared = prepare(fidelity, workspace, device=CPU)
    loop = build_loop(build_trial_network(PUBLISHED_CELL, prepared, 0), prepared, 0, CPU)
    loop.model.load_state_dict(one["model"])
    keeper = PredictionKeeper("k", (1, 2, 4), (16, 32), loop.batches.validation_rows())
    validation = loop.validate(prepared.dataset.num_classes, keeper)
    assert validation.loss == pytest.approx(one["loss"], rel=1e-5)
    assert validation.scores.miou == pytest.approx(one["score"], abs=1e-3)
    maps = keeper.maps()
    assert maps is not None
    assert maps.shape == (3, 16, 32)
    assert torch.equal(one["maps"], other["maps"])
    assert (one["maps"] != maps).float().mean() < 0.01


def test_each_process_draws_dropout_masks_of_its_own(group):
    assert not torch.equal(group[0]["trained"]["draws"], group[1]["trained"]["draws"])


def test_weights_that_an_architecture_does_not_use(group):
    one, other = (process["unused_weights"] for process in group)
    assert one["unused"]
    assert one["unused"] == other["unused"]
    assert one["loss"] == other["loss"]
    assert all(torch.equal(one["model"][name], other["model"][name]) for name in one["model"])


def test_images_are_shared_and_augmented_as_in_one_process(group, task):
    whole = alone["images_seen"](task)
    for step in (0, 1):
        halves = [process["images_seen"]["training"][step] for process in group]
        assert torch.equal(torch.cat(halves, dim=1), whole["training"][step])
    seen = [sorted(torch.cat(process["images_seen"]["validation"]).tolist()) for process in group]
    assert [len(part) for part in seen] == [3, 2]
    assert sorted(seen[0] + seen[1]) == pytest.approx(sorted(torch.cat(whole["validation"]).tolist()))


def test_all_processes_end_with_the_same_sentence(group):
    for process in group:
        assert process["refused"]["odd"].startswith("batch 3 cannot be shared by 2 processes")
        assert "the training loss is not finite after 2 steps" in process["refused"]["loss"]


@pytest.mark.parametrize(("rank", "share"), [(0, slice(0, 4)), (1, slice(4, 8)), (2, slice(8, 12))])
def test_shares_are_equal_and_in_order(rank, share):
    assert Peers(rank, 3, CPU).share(12) == share


def test_a_process_without_a_group_is_alone():
    assert Peers.here(CPU) is None
