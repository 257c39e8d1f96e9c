"""A differentiable search with one seed: yields a snapshot after each epoch, and resumes after interruptions."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nas.cache.shared import share
from nas.data.crops import CropSource, crop_batches
from nas.data.dataset import SegmentationDataset
from nas.models.layers.native import prepare_kernels
from nas.models.supernet import build_supernet
from nas.results.snapshot import Remedy, Snapshot
from nas.specs import AutoDeepLabSpec, BilevelSpec
from nas.training.bilevel.clock import Interval, RunClock
from nas.training.bilevel.loop import Batch, BilevelLoop
from nas.training.bilevel.remedies import stopped_by
from nas.training.bilevel.split import A, B, ImageStore, PartBatches, split_training_images
from nas.training.labels import checked_labels
from nas.training.loop.checkpoint import load_checkpoint, save_checkpoint
from nas.training.loop.device import pick_device, place, reproducible_kernels
from nas.training.loop.failures import trial_failures
from nas.training.loop.losses import class_weights
from nas.training.loop.pixels import to_network
from nas.training.loop.random_streams import WEIGHTS, torch_seed
from nas.training.progress import silent
from nas.training.workspace import Workspace
from nas.weights.preprocessing import IMAGENET
from search_spaces.auto_deeplab.decoding import decode, entropy_of_cell, entropy_of_paths
from search_spaces.base import content_key

FORMAT = 2
"""Part of every checkpoint key; to be raised when the state changes."""

_log = logging.getLogger(__name__)

OnStep = Callable[[int, int], None]


class StepsDone(NamedTuple):
    """Progress of a run: `done` of `total` steps."""

    done: int
    total: int


def search(
    spec: AutoDeepLabSpec,
    seed: int,
    *,
    workspace: Workspace,
    device: str | torch.device | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 60.0,
    on_step: OnStep | None = None,
) -> Iterator[Snapshot]:
    """Run a differentiable search and yield one snapshot per epoch.

    Args:
        spec: The supernet, the two-level optimisation, and when to stop early. `spec.seed` is not read.
        seed: Of the split, the initial weights and the batches.
        workspace: Where the data set and caches are.
        device: `None` for the first GPU, or the CPU where there is none.
        checkpoint: The state is saved to this file, atomically, after each epoch (before the snapshot is yielded) and
            every `checkpoint_seconds`. A later call with the same file first yields the saved snapshots unchanged, then
            resumes at the saved step, bit-identically on the same kind of machine.
        checkpoint_seconds: Time between checkpoints within an epoch.
        on_step: Called with the steps done and the steps in total after every step; an exception stops the run there.

    Returns:
        The snapshots; the last one has `finished`.

    Raises:
        ValueError: At the call: the data set is unknown or has too few images, the checkpoint is of another spec,
            seed or data set, or an option does not work on the device.
        DatasetError: The data set is broken.
        TrialError: While iterating: the loss is not finite, or memory is exhausted.
    """
    save = _Saving(checkpoint, checkpoint_seconds)
    events = _start(spec, seed, workspace, device, save, report_seconds=math.inf, on_step=on_step)
    return (event for event in events if isinstance(event, Snapshot))


def search_with_progress(
    spec: AutoDeepLabSpec,
    seed: int,
    *,
    workspace: Workspace,
    device: str | torch.device | None = None,
    checkpoint: Path | None = None,
    every_seconds: float = 2.0,
    devices: float = 1.0,
) -> Iterator[Snapshot | StepsDone]:
    """Run a differentiable search and yield snapshots, and between them the progress of the run.

    Args:
        spec: See `search`.
        seed: See `search`.
        workspace: See `search`.
        device: See `search`.
        checkpoint: See `search`.
        every_seconds: About the time between two reports of progress.
        devices: How many devices, or what part of one, the run holds; `device_seconds` are seconds times this number.

    Returns:
        See `search`.

    Raises:
        ValueError: See `search`.
        DatasetError: See `search`.
        TrialError: See `search`.
    """
    return _start(spec, seed, workspace, device, _Saving(checkpoint), report_seconds=every_seconds, devices=devices)


class _Saving(NamedTuple):
    """The checkpoint file, if any, and the seconds between checkpoints within an epoch."""

    path: Path | None
    seconds: float = 60.0


def _start(
    spec: AutoDeepLabSpec,
    seed: int,
    workspace: Workspace,
    device: str | torch.device | None,
    saving: _Saving,
    *,
    report_seconds: float,
    on_step: OnStep | None = None,
    devices: float = 1.0,
) -> Iterator[Snapshot | StepsDone]:
    target = pick_device(device)
    _check_speed_options(spec.bilevel, target)
    if target.type == "cpu" and (reason := prepare_kernels("supernet", workspace.native)) is not None:
        _log.warning("%s", reason)
    run = _Run(spec, seed, workspace, target)
    run.devices = devices
    state = None if saving.path is None else load_checkpoint(saving.path, run.key, refuse_others=True)
    return run.snapshots(state, saving, report_seconds, on_step)


def _check_speed_options(bilevel: BilevelSpec, device: torch.device) -> None:
    """Refuse what does not work, or makes a search slower.

    Raises:
        ValueError: Such an option is set.
    """
    if bilevel.acceleration != "none":
        raise ValueError(
            f"bilevel.acceleration {bilevel.acceleration!r} does not work yet: the supernet can be neither compiled "
            "nor captured; set it to none"
        )
    if bilevel.precision == "bfloat16" and device.type == "cpu":
        raise ValueError(
            "bilevel.precision bfloat16 makes a step of the supernet some 9 times slower on a CPU: set it to float32, "
            "or search on a GPU"
        )


class _Run:
    def __init__(self, spec: AutoDeepLabSpec, seed: int, workspace: Workspace, device: torch.device) -> None:
        self._spec, self._seed, self._device = spec, seed, device
        bilevel = spec.bilevel
        share(workspace.cache, workspace.storage)
        dataset = workspace.dataset(bilevel.dataset).resized(bilevel.resize)
        split = dataset.split("train")
        images = min(bilevel.train_images or len(split), len(split))
        if images < 2:
            raise ValueError(f"data set {bilevel.dataset!r} has {images} training image(s); a search needs at least 2")
        self.key = content_key([FORMAT, spec.run_key, dataset.key, seed, device.type])
        self._classes = dataset.num_classes
        rows = split_training_images(images, seed)
        store = ImageStore(split)
        self._part = {
            part: PartBatches(store, rows[part], part=part, spec=bilevel, seed=seed, device=device) for part in (A, B)
        }
        self._epoch_steps = max(1, len(rows[A]) // bilevel.batch)
        self._total = self._epoch_steps * bilevel.epochs
        self._architecture_from = self._epoch_steps * bilevel.architecture_from_epoch
        self._validation = _validation(dataset, spec)
        labels = checked_labels(
            dataset,
            bilevel.dataset,
            CropSource(split, images, bilevel.crop, augment=bilevel.augment),
            self._validation,
            label_stride=1,
            folder=workspace.cache / "statistics",
            progress=silent,
        )
        for warning in labels.warnings:
            _log.warning("data set %s: %s", bilevel.dataset, warning)
        self._weights = class_weights(labels.class_pixels, bilevel.class_weighting)
        self._snapshots: list[Snapshot] = []
        self._eigenvalues: list[float] = []
        self._clock = RunClock(device)
        self.devices = 1.0

    def _build(self) -> BilevelLoop:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(self._seed, WEIGHTS))
            model = build_supernet(self._spec.supernet, self._classes)
        place(model, self._device)
        return BilevelLoop(model, self._spec.bilevel, self._weights, total_steps=self._total, device=self._device)

    def snapshots(
        self, state: dict[str, Any] | None, saving: _Saving, report_seconds: float, on_step: OnStep | None
    ) -> Iterator[Snapshot | StepsDone]:
        with trial_failures("building the supernet"):
            loop = self._build()
        if state is not None:
            self._resume(loop, state)
        yield from list(self._snapshots)
        if self._snapshots and self._snapshots[-1].finished:
            return

        def save() -> None:
            if saving.path is not None:
                save_checkpoint(saving.path, self.key, self._state(loop))

        with reproducible_kernels(self._device):
            yield from self._epochs(loop, save, saving.seconds, report_seconds, on_step)

    def _epochs(
        self, loop: BilevelLoop, save: Callable[[], None], every: float, report_seconds: float, on_step: OnStep | None
    ) -> Iterator[Snapshot | StepsDone]:
        until_saved, until_report = Interval(every), Interval(report_seconds)
        self._clock.go_on()
        with closing(self._steps(loop)) as steps:
            for on_b in steps:
                snapshot = self._snapshot(loop, on_b) if loop.step % self._epoch_steps == 0 else None
                if snapshot is not None or until_saved.over:
                    self._clock.count()
                    save()
                    until_saved.restart()
                    self._clock.go_on()
                if on_step is not None:
                    on_step(loop.step, self._total)
                if snapshot is not None:
                    yield snapshot
                    self._clock.go_on()
                    if snapshot.finished:
                        return
                elif until_report.over:
                    until_report.restart()
                    yield StepsDone(loop.step, self._total)

    def _steps(self, loop: BilevelLoop) -> Generator[Batch | None, None, None]:
        """Make the steps that are left, and yield after each one the batch of part B that it has read, if any."""
        b_start = max(loop.step, self._architecture_from)
        with closing(self._part[A].steps(loop.step)) as on_a, closing(self._part[B].steps(b_start)) as on_b:
            while loop.step < self._total:
                updates = loop.step >= self._architecture_from
                with trial_failures("searching"):
                    first, second = next(on_a), next(on_b) if updates else None
                    loop.train_step(first, second)
                yield second

    def _snapshot(self, loop: BilevelLoop, on_b: Batch | None) -> Snapshot:
        """Validate the supernet, decode it, and keep the snapshot of the epoch that has just ended."""
        with trial_failures("validating the supernet"):
            snapshot = self._validated(loop, on_b)
        self._snapshots.append(snapshot)
        return snapshot

    def _validated(self, loop: BilevelLoop, on_b: Batch | None) -> Snapshot:
        spec, model = self._spec, loop.model
        train_loss, architecture_loss = loop.pop_losses()
        miou = loop.validate(self._validation_batches(), self._classes).miou
        eigenvalue = None
        if spec.stop.hessian is not None and on_b is not None:
            eigenvalue = loop.curvature(on_b, spec.stop.hessian.iterations)
            self._eigenvalues.append(eigenvalue)
        with torch.no_grad():
            alpha = model.alpha_probabilities().double().cpu().numpy()
            beta = model.beta_probabilities().double().cpu().numpy()
        trellis = model.trellis
        architecture = decode(alpha, beta, spec.supernet.operators, trellis, spec.decoding.paths)
        remedy: Remedy | None = stopped_by(spec.stop, architecture, self._eigenvalues) if on_b is not None else None
        self._clock.count()
        return Snapshot(
            epoch=loop.step // self._epoch_steps,
            step=loop.step,
            architecture=architecture,
            path=architecture.path,
            alpha=tuple(tuple(row) for row in alpha.clip(0, 1).tolist()),
            beta=tuple(tuple(beta[list(group)].clip(0, 1).tolist()) for group in trellis.groups),
            alpha_entropy=entropy_of_cell(alpha),
            beta_entropy=entropy_of_paths(beta, trellis),
            supernet_miou=miou,
            train_loss=train_loss,
            architecture_loss=architecture_loss,
            hessian_eigenvalue=eigenvalue,
            device_seconds=self._clock.seconds * self.devices,
            finished=loop.step >= self._total or remedy is not None,
            stopped_by=remedy,
        )

    def _validation_batches(self) -> Iterator[Batch]:
        rows = range(len(self._validation))
        for _, (images, labels) in crop_batches(self._validation, rows, 2 * self._spec.bilevel.batch):
            yield (
                to_network(torch.from_numpy(images).to(self._device), IMAGENET),
                torch.from_numpy(labels).to(self._device),
            )

    def _state(self, loop: BilevelLoop) -> dict[str, Any]:
        return {
            "loop": loop.state(),
            "seconds": self._clock.seconds,
            "eigenvalues": self._eigenvalues,
            "snapshots": [snapshot.model_dump(mode="json") for snapshot in self._snapshots],
        }

    def _resume(self, loop: BilevelLoop, state: dict[str, Any]) -> None:
        loop.load(state["loop"])
        self._clock.seconds = state["seconds"]
        self._eigenvalues = list(state["eigenvalues"])
        self._snapshots = [Snapshot.model_validate(snapshot) for snapshot in state["snapshots"]]


def _validation(dataset: SegmentationDataset, spec: AutoDeepLabSpec) -> CropSource:
    split = dataset.split("val")
    images = min(spec.bilevel.val_images or len(split), len(split))
    return CropSource(split, images, spec.bilevel.crop)
