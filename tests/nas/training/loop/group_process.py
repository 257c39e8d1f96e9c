"""One process of a group that trains one model, started by test_distributed.py: FOLDER RANK.

A file of its own, so that the processes need not find a test module; without a group its functions are the reference.
"""

from __future__ import annotations

import pickle
import random
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from nas.models.heads.levels import ConcatenatedLevels
from nas.results.measurement import Measurement, TrialError
from nas.specs import Fidelity, LossSpec, NetworkSpec, OptimizerSpec, ScheduleSpec
from nas.training.evaluate import evaluate
from nas.training.loop.batches import BankBatches, Inputs
from nas.training.loop.distributed import Peers
from nas.training.loop.loop import Loop
from nas.training.loop.predictions import PredictionKeeper
from nas.training.loop.rungs import Checkpoint, RungRun
from nas.training.prepare import prepare
from nas.training.trial import build_loop, build_trial_network
from nas.training.workspace import Workspace
from search_spaces.auto_deeplab.space import sample
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.reference.architecture import ReferenceHead

CPU = torch.device("cpu")
IGNORED = 255
TRAININGS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": OptimizerSpec(learning_rate=0.05, weight_decay=0.01)},
    "adam": {"optimizer": OptimizerSpec(name="adam", learning_rate=5e-3, weight_decay=0.01)},
    "adamw with all options": {
        "optimizer": OptimizerSpec(name="adamw", learning_rate=5e-3, weight_decay=0.01, clip_norm=0.1),
        "schedule": ScheduleSpec(decay="cosine", warmup=2),
        "loss": LossSpec(name="focal", dice=0.5),
        "ema": 0.9,
    },
}
WEIGHTS = (0.5, 1.0, 2.0, 4.0)
"""Of classes in turn: their sums are exact in float32."""

Task = tuple[Fidelity, Workspace, Path]
Result = dict[str, Any]


def plain_loop(fidelity: Fidelity, workspace: Workspace) -> Loop:
    """A model without batch norm in float64; the second half of a batch of four has hardly any labels."""
    prepared = prepare(fidelity, workspace, device=CPU)
    assert prepared.bank is not None
    peers = Peers.here(CPU)
    batches = BankBatches(prepared.bank, fidelity.batch, 3, CPU, peers)
    batches.features = tuple(level.double() for level in batches.features)
    batches.labels = batches.labels.clone()
    gather = batches.gather

    def uneven(rows: torch.Tensor) -> tuple[Inputs, torch.Tensor]:
        features, labels = gather(rows)
        hidden = labels[2:] if peers is None else labels[: 2 * peers.rank]
        hidden[:, 1:] = IGNORED
        return features, labels

    batches.gather = uneven  # type: ignore[method-assign]  # labels by place in the batch, not by image
    torch.manual_seed(0)
    classes, channels = prepared.dataset.num_classes, sum(level.shape[3] for level in batches.features)
    model: nn.Module = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.Tanh(), nn.Conv2d(6, classes, 1)).double()
    if len(batches.features) > 1:
        model.out_channels = classes  # type: ignore[assignment]  # as heads have it
        model = ConcatenatedLevels(model)
    weights = torch.tensor([WEIGHTS[label % len(WEIGHTS)] for label in range(classes)])
    return Loop(model, batches, fidelity, weights, seed=3, device=CPU, peers=peers)


def steps(task: Task) -> Result:
    """Parameters after each of twelve steps, and the mean loss, by training."""
    fidelity, workspace, _ = task
    found: Result = {}
    for name, update in TRAININGS.items():
        loop = plain_loop(fidelity.model_copy(update=update), workspace)
        after = []
        for step in range(12):
            loop.train(step + 1)
            after.append(nn.utils.parameters_to_vector(loop.model.parameters()).detach().clone())
        found[name] = {"after": torch.stack(after), "loss": loop.pop_train_loss()}
        loop.adopt_average()
        found[name]["adopted"] = nn.utils.parameters_to_vector(loop.model.parameters()).detach()
    return found


def levels(task: Task) -> Result:
    """The same on two levels."""
    fidelity, workspace, folder = task
    backbone = fidelity.backbone.model_copy(update={"levels": (4, 8)})
    return steps((fidelity.model_copy(update={"backbone": backbone, "label_stride": 4}), workspace, folder))


def resumed(task: Task) -> Result:
    """The measurements of a whole training, and of one that went on from the whole one's first rung."""
    fidelity, workspace, folder = task
    whole, early = folder / "whole.pt", folder / "early.pt"
    options: Result = {"workspace": workspace, "device": "cpu", "devices": 0.5}
    first: list[Measurement] = []
    for measurement in evaluate(PUBLISHED_CELL, fidelity, 0, checkpoint=whole, **options):
        if not first:
            shutil.copy(whole, early)
        first.append(measurement)
    torch.rand(7)
    again = list(evaluate(PUBLISHED_CELL, fidelity, 0, checkpoint=early, **options))
    return {"first": [m.model_dump() for m in first], "again": [m.model_dump() for m in again]}


def resumed_within_a_rung(task: Task) -> Result:
    """The weights of a training that saves after every few steps, and of one that went on from one of its states."""
    fidelity, workspace, folder = task
    options = {**TRAININGS["adamw with all options"], "rungs": (4, 30)}
    prepared = prepare(fidelity.model_copy(update=options), workspace, device=CPU)
    whole, early = folder / "steps.pt", folder / "early_steps.pt"

    def train(path: Path, on_step: Callable[[int], None]) -> dict[str, torch.Tensor]:
        loop = build_loop(build_trial_network(PUBLISHED_CELL, prepared, 0), prepared, 0, CPU, Peers.here(CPU))
        state = Checkpoint(path, "key", every_seconds=0)
        run = RungRun(loop, (4, 30), prepared.dataset.num_classes, CPU, checkpoint=state, on_step=on_step)
        list(run.measurements())
        loop.adopt_average()
        return loop.model.state_dict()

    def keep(step: int) -> None:
        if 4 < step < 30 and not early.exists() and (peers := Peers.here(CPU)) is not None and peers.leads:
            shutil.copy(whole, early)

    began: list[int] = []
    return {"first": train(whole, keep), "again": train(early, began.append), "began": began[0]}


def trained(task: Task) -> Result:
    """A head with batch norm and dropout, trained and validated; its weights afterwards."""
    fidelity, workspace, _ = task
    prepared = prepare(fidelity, workspace, device=CPU)
    loop = build_loop(build_trial_network(PUBLISHED_CELL, prepared, 0), prepared, 0, CPU, Peers.here(CPU))
    loop.train(8)
    keeper = PredictionKeeper("k", (1, 2, 4), (16, 32), loop.batches.validation_rows(), loop.peers)
    validation = loop.validate(prepared.dataset.num_classes, keeper)
    generator = torch.Generator()
    generator.set_state(loop._generators[0])
    return {
        "model": loop.model.state_dict(),
        "score": validation.scores.miou,
        "loss": validation.loss,
        "maps": keeper.maps(),
        "draws": torch.rand(4, generator=generator),
    }


def unused_weights(task: Task) -> Result:
    """A whole network on images; the second sample of this space has a projection that its cell does not use."""
    fidelity, workspace, _ = task
    tiny = NetworkSpec(filters=2, stem_channels=4, aspp_channels=8, low_level_channels=4, decoder_channels=8)
    rng = random.Random(2)
    architecture = sample(rng.randint(1, 5), rng.randint(1, 6), rng)
    images = fidelity.model_copy(update={"network": tiny.model_copy(update={"drop_path": 0.3}), "rungs": (3,)})
    prepared = prepare(images, workspace, whole_network=True, device=CPU)
    loop = build_loop(build_trial_network(architecture, prepared, 0), prepared, 0, CPU, Peers.here(CPU))
    loop.train(3)
    loss = loop.validate(prepared.dataset.num_classes).loss
    unused = [name for name, weight in loop.model.named_parameters() if weight.grad is None]
    return {"model": loop.model.state_dict(), "loss": loss, "unused": unused}


def images_seen(task: Task) -> Result:
    """Images and labels of two steps, and those for validation."""
    fidelity, workspace, _ = task
    backbone = fidelity.backbone.model_copy(update={"frozen": False})
    prepared = prepare(fidelity.model_copy(update={"backbone": backbone}), workspace, device=CPU)
    head = ReferenceHead(name="conv1x1")
    loop = build_loop(build_trial_network(head, prepared, 0), prepared, 0, CPU, Peers.here(CPU))
    training = [torch.stack([images.sum((1, 2, 3))]) for (images,), _ in loop.batches.training(1, 3)]
    return {"training": training, "validation": [images.sum((1, 2, 3)) for (images,), _ in loop.batches.validation()]}


def refused(task: Task) -> Result:
    """A batch that cannot be shared, and a loss that is finite in one process only."""
    fidelity, workspace, _ = task
    said: Result = {}
    try:
        list(evaluate(PUBLISHED_CELL, fidelity.model_copy(update={"batch": 3}), 0, workspace=workspace, device="cpu"))
    except ValueError as error:
        said["odd"] = str(error)
    loop = plain_loop(fidelity, workspace)
    if loop.peers is None or loop.peers.rank == 1:
        assert isinstance(loop.batches, BankBatches)
        loop.batches.features[0][:] = float("nan")
    try:
        loop.train(2)
    except TrialError as error:
        said["loss"] = str(error)
    return said


SCENARIOS = (steps, levels, resumed, resumed_within_a_rung, trained, unused_weights, images_seen, refused)


def main(folder: Path, rank: int) -> None:
    torch.set_num_threads(1)
    meeting = f"file://{folder / 'meeting'}"
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2, timeout=timedelta(seconds=60))
    task = (*pickle.loads((folder / "task").read_bytes()), folder)
    torch.save({scenario.__name__: scenario(task) for scenario in SCENARIOS}, folder / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
