"""Measuring an architecture: the one function everything else is built on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from nas.models.networks import is_network
from nas.results.measurement import Measurement
from nas.specs import Fidelity
from nas.training.loop.checkpoint import checkpoint_key, written_key
from nas.training.loop.device import pick_device, reproducible_kernels, thread_count
from nas.training.loop.distributed import Peers
from nas.training.loop.failures import trial_failures
from nas.training.loop.rungs import Checkpoint, RungRun
from nas.training.prepare import prepare
from nas.training.progress import Progress, silent
from nas.training.trial import build_loop, build_trial_network, trial_complexity
from nas.training.workspace import Workspace
from search_spaces.document import Architecture


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
) -> Iterator[Measurement]:
    """Train the architecture at the fidelity; one measurement per rung, the last one is the score.

    With a frozen backbone the head is trained on the feature bank, which `prepare` makes if need be; otherwise the
    whole network on images, as always where the architecture is a whole network (auto_deeplab). What a rung's score
    means is said in `schedule.rate_factors`. The same (architecture, fidelity, seed) gives the same scores on the same
    machine with the same `threads` (process-wide while this runs; None leaves them).

    With `checkpoint` the state is saved there (atomically) before each measurement is yielded, and a file that belongs
    to the same architecture (as written), fidelity, seed and kind of device is gone on from: its measurements are
    yielded again as they were, then training continues bit-identically. Any other file is overwritten.

    In an initialised process group (torch.distributed) its processes train the one model together; all must call this
    with the same arguments, each with its own `device`, and go through what it yields. The first one yields the
    measurements and uses `checkpoint`, the others yield nothing. The batch must be a multiple of their number
    (ValueError); how far a step is that of one process says `distributed`.

    `devices` is the share of devices each process holds, for `device_seconds` of all. A measurement's `parameters` and
    `multiply_adds` are those of what is trained; see `trial.trial_complexity`. Raises TrialError where the architecture
    cannot be measured (out of memory, loss not finite, crop too small); what `prepare` raises where nothing can.
    """
    target = pick_device(device)
    peers = Peers.here(target)
    if peers is not None:
        peers.share(fidelity.batch)
    processes = 1 if peers is None else peers.count
    with thread_count(threads), reproducible_kernels(target):
        prepared = prepare(
            fidelity, workspace, whole_network=is_network(architecture), device=target, progress=progress
        )
        network = build_trial_network(architecture, prepared, seed)
        with trial_failures("placing the network"):
            loop = build_loop(network, prepared, seed, target, peers)
        kept = None
        if checkpoint is not None:
            key = checkpoint_key(written_key(architecture), fidelity.key, seed, target, processes)
            kept = Checkpoint(checkpoint, key)
        run = RungRun(
            loop,
            fidelity.rungs,
            prepared.dataset.num_classes,
            target,
            devices * processes,
            kept,
            complexity=trial_complexity(loop.model, prepared),
        )
        yield from run.measurements()
