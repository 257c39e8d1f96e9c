"""From an architecture to its training-free scores: what a trial would start from, looked at instead of trained."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from nas.models.complexity import multiply_adds
from nas.models.networks import is_network
from nas.models.parameters import count_parameters
from nas.results.measurement import TrialError
from nas.specs import Fidelity
from nas.specs.training_free import TRAINING_FREE, TrainingFreeProxy
from nas.training.loop.device import pick_device, reproducible_kernels, synchronize, thread_count
from nas.training.loop.failures import trial_failures
from nas.training.loop.losses import SegmentationLoss, class_weights
from nas.training.prepare import Prepared, prepare
from nas.training.progress import Progress, silent
from nas.training.training_free.gradients import grad_norm, snip
from nas.training.training_free.initial import Batch, Criterion
from nas.training.training_free.naswot import naswot
from nas.training.training_free.synflow import synflow
from nas.training.training_free.zico import zico
from nas.training.trial import build_loop, build_trial_network, input_shape
from nas.training.workspace import Workspace
from search_spaces.document import Architecture


class Scored(NamedTuple):
    """A proxy's value, and the seconds it takes to get it alone: building the network, drawing the batches if it reads
    any, computing. What `prepare` makes once for all architectures is not in it.
    """

    value: float
    seconds: float


@dataclass(frozen=True)
class _Subject:
    """A freshly initialised network on its device, the (C, H, W) it reads, and its first batches and loss."""

    model: nn.Module
    shape: tuple[int, int, int]
    batches: Sequence[Batch]
    criterion: Criterion


_WITHOUT_DATA: Mapping[TrainingFreeProxy, Callable[[_Subject], float]] = {
    "parameters": lambda s: float(count_parameters(s.model)),
    "multiply_adds": lambda s: float(multiply_adds(s.model, s.shape[0], s.shape[1:])),
    "synflow": lambda s: synflow(s.model, s.shape),
}

_WITH_DATA: Mapping[TrainingFreeProxy, Callable[[_Subject], float]] = {
    "grad_norm": lambda s: grad_norm(s.model, s.batches[0], s.criterion),
    "snip": lambda s: snip(s.model, s.batches[0], s.criterion),
    "naswot": lambda s: naswot(s.model, s.batches[0][0]),
    "zico": lambda s: zico(s.model, s.batches, s.criterion),
}


def score(
    architecture: Architecture,
    fidelity: Fidelity,
    seed: int,
    *,
    workspace: Workspace,
    device: str | torch.device | None = None,
    names: Sequence[TrainingFreeProxy] = TRAINING_FREE,
    batches: int = 2,
    threads: int | None = None,
    progress: Progress = silent,
) -> dict[TrainingFreeProxy, Scored]:
    """Each proxy of an architecture, by name, in the order of `names`.

    The network is the one the trial (architecture, fidelity, seed) starts from, with that trial's first `batches`
    batches and its loss: head and classifier on cached features, or the whole network on images. ZiCo reads all
    batches, the other gradients and NASWOT the first one, parameters, multiply-adds and SynFlow none. In float32
    (SynFlow in float64) whatever the fidelity's precision. The same arguments give the same values on the same machine
    with the same `threads`; torch's generators, default dtype and threads are afterwards as they were.

    Raises TrialError where the architecture cannot be measured or a value is not finite, ValueError for unknown names
    and for fewer batches than the proxies need, and what `prepare` raises where nothing can be measured.
    """
    _check(names, batches)
    target = pick_device(device)
    with thread_count(threads), reproducible_kernels(target):
        prepared = prepare(
            fidelity, workspace, whole_network=is_network(architecture), device=target, progress=progress
        )
        started = time.perf_counter()
        network = build_trial_network(architecture, prepared, seed)
        with trial_failures("placing the network"):
            loop = build_loop(network, prepared, seed, target)
            criterion = _criterion(prepared, target)
        building = time.perf_counter() - started
        started = time.perf_counter()
        drawn: list[Batch] = []
        if any(name in _WITH_DATA for name in names):
            drawn = [(inputs.float(), labels) for inputs, labels in loop.batches.training(0, batches)]
            synchronize(target)
        drawing = time.perf_counter() - started
        subject = _Subject(loop.model, input_shape(prepared), drawn, criterion)
        return {name: _scored(name, subject, target, building, drawing) for name in names}


def _check(names: Sequence[TrainingFreeProxy], batches: int) -> None:
    unknown = sorted(set(names) - set(TRAINING_FREE))
    if unknown:
        raise ValueError(f"there is no training-free proxy {', '.join(unknown)}; known: {', '.join(TRAINING_FREE)}")
    needed = 2 if "zico" in names else 1
    if batches < needed:
        raise ValueError(f"batches must be at least {needed} for {', '.join(names)}, not {batches}")


def _criterion(prepared: Prepared, device: torch.device) -> SegmentationLoss:
    return SegmentationLoss(class_weights(prepared.class_pixels, prepared.fidelity.class_weighting)).to(device)


def _scored(
    name: TrainingFreeProxy, subject: _Subject, device: torch.device, building: float, drawing: float
) -> Scored:
    compute = _WITHOUT_DATA.get(name) or _WITH_DATA[name]
    started = time.perf_counter()
    with trial_failures(f"computing {name}"):
        value = compute(subject)
        synchronize(device)
    took = time.perf_counter() - started
    if not math.isfinite(value):
        raise TrialError(f"{name} of this architecture is {value}, which cannot be ranked: {_WHY.get(name, _OVERFLOW)}")
    return Scored(value, building + took + (drawing if name in _WITH_DATA else 0.0))


_OVERFLOW = "a gradient overflowed"

_WHY: Mapping[TrainingFreeProxy, str] = {
    "synflow": "nothing flows from input to output, or more than float64 holds",
    "naswot": "it has no ReLU, or two images of the batch switch all of them alike (more images than the batch help)",
    "zico": "no weight has a gradient that varies from batch to batch, or one overflowed",
}
