"""The measurement of an architecture at a fidelity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch

from nas.models.networks import is_network
from nas.results.measurement import Measurement, TrialError
from nas.results.predictions import Examples
from nas.specs import MIOU, Fidelity, Goals
from nas.training.environment import environment_of
from nas.training.examples import OnPredictions, find_examples, picture_predictions, prediction_keeper
from nas.training.goals import check_goals, missing_objective
from nas.training.latency import measure_latency
from nas.training.loop.checkpoint import checkpoint_key
from nas.training.loop.device import pick_device, reproducible_kernels, thread_count
from nas.training.loop.distributed import Peers
from nas.training.loop.failures import trial_failures
from nas.training.loop.loop import Loop
from nas.training.loop.rungs import Checkpoint, RungRun
from nas.training.prepare import Prepared, prepare
from nas.training.progress import Progress, silent
from nas.training.trial import build_loop, build_trial_network, input_shapes, trial_complexity
from nas.training.workspace import Workspace
from search_spaces.document import Architecture
from search_spaces.latency import Latency


def evaluate(
    architecture: Architecture,
    fidelity: Fidelity,
    seed: int,
    *,
    workspace: Workspace,
    device: str | torch.device | None = None,
    checkpoint: Path | None = None,
    threads: int | None = None,
    devices: float = 1.0,
    progress: Progress = silent,
    goals: Goals = MIOU,
    on_predictions: OnPredictions | None = None,
) -> Iterator[Measurement]:
    """Train an architecture at a fidelity and yield one measurement per rung; the last one holds the score.

    Where the backbone is frozen, the head is trained on the feature bank, which `prepare` makes if needed. Otherwise
    the entire network is trained on images, as is every architecture that is a network itself (auto_deeplab). For what
    the score at a rung means see `schedule.rate_factors`. What is trained is the architecture's canonical form, so the
    same (architecture, fidelity, seed) gives the same scores in the same `environment.environment_of`, however the
    architecture is written.

    In an initialised process group (torch.distributed) all processes of the group train one model together; see
    `distributed` for how a step differs from that of one process. All of them must call this function with the same
    arguments, except for `device`, and exhaust the iterator. The first process yields the measurements and uses
    `checkpoint`; the others yield nothing.

    Args:
        architecture: What is trained.
        fidelity: How it is trained and measured.
        seed: Of the initial weights, batches and dropout.
        workspace: Where data sets, weights and caches are.
        device: Of this process; `None` for the first GPU, or the CPU where there is none.
        checkpoint: The state is saved to this file, atomically, before each measurement is yielded. From a file of the
            same architecture, fidelity, seed, kind of device and number of processes the saved
            measurements are yielded again unchanged, then training resumes bit-identically. Any other file is
            overwritten.
        threads: CPU threads, process-wide while this runs; `None` leaves their number.
        devices: How many devices, or what part of one, each process holds; `device_seconds` are those of all processes.
        progress: Called with what `prepare` reports.
        goals: What the measurements are for. Where latency is among it, it is measured before training, by the first
            process; what is beyond a constraint is not trained.
        on_predictions: Called with the predictions on a few validation images, before the measurement of their rung is
            yielded; not where there are none, which is no error. Scores are the same with and without it.

    Yields:
        Measurements, whose `parameters` and `multiply_adds` are those of the trained model; see
        `trial.trial_complexity`.

    Raises:
        TrialError: The architecture cannot be measured (out of memory, loss not finite, crop too small, an objective
            that the data set does not have), or is beyond a constraint.
        ValueError: The device is not there, the batch is not a multiple of the number of processes, or `prepare`
            refuses the fidelity.
        DatasetError: The data set is broken.
        OSError: The features can neither be written nor held in memory, or were changed while they were read.
    """
    target = pick_device(device)
    peers = Peers.here(target)
    if peers is not None:
        peers.share(fidelity.batch)
    leads, processes = (True, 1) if peers is None else (peers.leads, peers.count)
    with thread_count(threads), reproducible_kernels(target):
        prepared = prepare(
            fidelity, workspace, whole_network=is_network(architecture), device=target, progress=progress
        )
        network = build_trial_network(architecture, prepared, seed)
        with trial_failures("placing the network"):
            loop = build_loop(network, prepared, seed, target, peers)
        saving = None
        if checkpoint is not None:
            key = checkpoint_key(architecture.key, fidelity.key, seed, target, processes)
            saving = Checkpoint(checkpoint, key)
        complexity = trial_complexity(loop.model, prepared)
        check_goals(goals, complexity)
        latency = None
        if goals.measure_latency:
            latency = _latency(loop, prepared, target)
            check_goals(goals, complexity, latency)
        examples = find_examples(prepared) if on_predictions and leads else None
        run = RungRun(
            loop,
            fidelity.rungs,
            prepared.dataset.num_classes,
            target,
            devices * processes,
            saving,
            complexity=complexity,
            latency=latency,
            environment=environment_of(prepared, target, processes),
            keeper=None if on_predictions is None else prediction_keeper(examples, loop.batches, peers),
        )
        for measurement in run.measurements():
            if goals.values(measurement) is None:
                raise TrialError(missing_objective(goals, measurement))
            if on_predictions is not None and examples is not None:
                _pass_on(run, measurement.iteration, examples, on_predictions)
            yield measurement


def _latency(loop: Loop, prepared: Prepared, device: torch.device) -> Latency | None:
    """Time what is trained; of several processes the first one does, and tells the others."""
    peers = loop.peers
    what: Literal["head", "network"] = "network" if prepared.bank is None else "head"
    latency = None
    if peers is None or peers.leads:
        latency = measure_latency(loop.model, input_shapes(prepared), what, prepared.fidelity, device)
    shared: Latency | None = latency if peers is None else peers.broadcast(latency)
    return shared


def _pass_on(run: RungRun, iteration: int, examples: Examples, on_predictions: OnPredictions) -> None:
    """Give away the predictions of a rung where this run made them: those of a checkpoint were given before."""
    if run.predicted is None:
        return
    reached, key, maps = run.predicted
    if (reached, key) == (iteration, examples.key):
        on_predictions(picture_predictions(iteration, examples, maps))
