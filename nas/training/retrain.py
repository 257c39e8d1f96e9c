"""Retraining: trains the network of an architecture document at a fidelity, and saves it so that anyone can load it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from nas.aids import aid
from nas.models.networks import is_network
from nas.results.measurement import Measurement
from nas.specs import Fidelity
from nas.training.callbacks import Callback
from nas.training.environment import environment_of
from nas.training.full_image import FullImageSpec, full_image_metrics
from nas.training.loop.augmentation import Augmentation
from nas.training.loop.checkpoint import checkpoint_key
from nas.training.loop.device import pick_device, place, reproducible_kernels, thread_count
from nas.training.loop.distributed import Peers
from nas.training.loop.rungs import Checkpoint, RungRun
from nas.training.prepare import Prepared, prepare
from nas.training.progress import Progress, silent
from nas.training.reports import Reports
from nas.training.retrained import CHECKPOINT, Retrained, require_safetensors, write_retrained
from nas.training.trial import build_loop, build_trial_network, trial_complexity
from nas.training.workspace import Workspace
from search_spaces.base import content_key
from search_spaces.document import Architecture, ArchitectureDocument
from search_spaces.text import architecture_text


def retrain(
    document: ArchitectureDocument,
    fidelity: Fidelity,
    workspace: Workspace,
    output: Path,
    *,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: Progress = silent,
    threads: int | None = None,
    checkpoint_seconds: float = 20.0,
    evaluation: FullImageSpec | None = None,
    augmentation: Augmentation | None = None,
    callbacks: Sequence[Callback] = (),
) -> tuple[Measurement, ...]:
    """Train the network of an architecture document at a fidelity, and save it in a folder.

    The folder receives `model.safetensors` (backbone, standardisation of its features, head and classifier; or the
    entire network where the architecture is one), `metrics.json`, `architecture.json` (the document in its canonical
    form, which was trained, with this training as its provenance) and `predictions.png`. The backbone is trained too
    where the fidelity has `backbone.frozen: false`. While training, `checkpoint.pt` holds the state: after an
    interruption a call with the same architecture, fidelity and seed resumes there and ends with the same bytes.

    In an initialised process group (torch.distributed) all processes of the group train one network together, as in
    `evaluate`; the first process writes the folder, calls progress and callbacks, and returns the measurements.

    Args:
        document: The architecture.
        fidelity: How it is trained.
        workspace: Where data sets, weights and caches are.
        output: The folder; made where there is none.
        seed: Of the initial weights, batches and dropout.
        device: `None` for the first GPU, or the CPU where there is none.
        progress: Called with the stages of `prepare`, then with stage "training" and the steps.
        threads: CPU threads, process-wide during the call; `None` leaves their number.
        checkpoint_seconds: Time between checkpoints within a rung.
        evaluation: How entire validation images are predicted for `full_images` in the metrics; `None` leaves it out.
        augmentation: Applied to each training crop, where the backbone is trained too.
        callbacks: Told of the training while it runs.

    Returns:
        One measurement per rung; in a process group, none in other processes than the first.

    Raises:
        TrialError: The architecture cannot be measured (out of memory, loss not finite, crop too small).
        ValueError: safetensors is not installed, the device is not there, the augmentation needs a trained backbone,
            the batch is not a multiple of the number of processes, or `prepare` refuses the fidelity.
        DatasetError: The data set is broken.
        OSError: The network cannot be written: the disk is full, for instance. (A checkpoint or the picture that cannot
            be written costs a warning.)
    """
    require_safetensors()
    _require_images(document.architecture, fidelity, augmentation)
    target = pick_device(device)
    peers = Peers.here(target)
    leads, processes = (True, 1) if peers is None else (peers.leads, peers.count)
    progress = progress if leads else silent
    output.mkdir(parents=True, exist_ok=True)
    with thread_count(threads), reproducible_kernels(target):
        prepared = prepare(
            fidelity,
            workspace,
            whole_network=is_network(document.architecture),
            device=target,
            progress=progress,
        )
        network = build_trial_network(document.architecture, prepared, seed)
        key = _training_key(
            document.architecture, fidelity, augmentation, seed=seed, device=target, processes=processes
        )
        loop = build_loop(network, prepared, seed, target, peers, augmentation=augmentation)
        reports = Reports(loop, fidelity.rungs, callbacks if leads else (), progress)
        run = RungRun(
            loop,
            fidelity.rungs,
            prepared.dataset.num_classes,
            target,
            processes,
            checkpoint=Checkpoint(output / CHECKPOINT, key, checkpoint_seconds),
            on_step=reports.step,
            complexity=trial_complexity(loop.model, prepared),
            environment=environment_of(prepared, target, processes),
        )
        run.resume()
        with reports.opened(_description(document.architecture, prepared, run, key, seed)) as result:
            measured = reports.measured(run)
            loop.adopt_average()
            place(network, target)
            network.eval()
            added = {"processes": processes, **_augmented_by(augmentation)}
            if evaluation is not None:
                added |= full_image_metrics(evaluation, network, prepared, target, peers=peers, progress=progress)
            if leads:
                retrained = Retrained(document, prepared, network, measured, seed, target, added)
                result.update(write_retrained(retrained, output))
    if leads:
        with aid("checkpoint", output / CHECKPOINT, "it stays there, and is not needed any more"):
            (output / CHECKPOINT).unlink(missing_ok=True)
    return measured


def _require_images(architecture: Architecture, fidelity: Fidelity, augmentation: Augmentation | None) -> None:
    if augmentation is not None and not is_network(architecture) and fidelity.backbone.frozen:
        raise ValueError(
            "augmentation by a file needs images in every step, but a frozen backbone is trained on stored features: "
            "set backbone.frozen to false in the fidelity"
        )


def _training_key(
    architecture: Architecture,
    fidelity: Fidelity,
    augmentation: Augmentation | None,
    *,
    seed: int,
    device: torch.device,
    processes: int,
) -> str:
    trained_as = fidelity.key if augmentation is None else content_key([fidelity.key, augmentation.key])
    return checkpoint_key(architecture.key, trained_as, seed, device, processes)


def _description(
    architecture: Architecture, prepared: Prepared, run: RungRun, key: str, seed: int
) -> Mapping[str, Any]:
    assert run.complexity is not None
    return {
        "key": key,
        "architecture": architecture_text(architecture),
        "class_names": list(prepared.dataset.class_names),
        "seed": seed,
        "fidelity": prepared.fidelity.model_dump(mode="json"),
        "parameters": run.complexity.parameters,
        "multiply_adds": run.complexity.multiply_adds,
    }


def _augmented_by(augmentation: Augmentation | None) -> dict[str, Any]:
    if augmentation is None:
        return {}
    return {"augmentation": {"key": augmentation.key, "pipeline": augmentation.pipeline}}
