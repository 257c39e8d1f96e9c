"""Training-free scores of an architecture, computed on the network and batches that a trial would start with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from nas.models.complexity import Shape, multiply_adds
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
from nas.training.trial import build_loop, build_trial_network, input_shapes
from nas.training.workspace import Workspace
from search_spaces.document import Architecture


class Scored(NamedTuple):
    """The value of a training-free proxy, and what computing this proxy alone costs.

    Attributes:
        seconds: Wall-clock time of building the network, drawing the batches (where the proxy reads any) and computing
            the value. What `prepare` makes once for all architectures is not included.
    """

    value: float
    seconds: float


@dataclass(frozen=True)
class _Subject:
    """A freshly initialised network on its device, the shapes of its inputs, its first batches and its loss."""

    model: nn.Module
    shapes: Sequence[Shape]
    batches: Sequence[Batch]
    criterion: Criterion


_WITHOUT_DATA: Mapping[TrainingFreeProxy, Callable[[_Subject], float]] = {
    "parameters": lambda s: float(count_parameters(s.model)),
    "multiply_adds": lambda s: float(multiply_adds(s.model, s.shapes)),
    "synflow": lambda s: synflow(s.model, s.shapes),
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
    """Compute training-free proxies of an architecture.

    The network, the batches and the loss are those with which the trial (architecture, fidelity, seed) starts: head and
    classifier on cached features, or an entire network on images. Values are computed in float32 (SynFlow in float64)
    whatever the fidelity's precision. The same arguments give the same values on the same machine with the same
    `threads`; torch's generators, default dtype and number of threads are restored.

    Args:
        architecture: What is scored.
        fidelity: Data, backbone, crop and loss; nothing is trained but a backbone that needs its warm-up.
        seed: Of the initial weights and the batches.
        workspace: Where data sets, weights and caches are.
        device: `None` for the first GPU, or the CPU where there is none.
        names: The proxies.
        batches: How many batches ZiCo reads. The other gradients and NASWOT read the first batch; parameters,
            multiply-adds and SynFlow read none.
        threads: CPU threads, process-wide during the call; `None` leaves their number.
        progress: Called with what `prepare` reports.

    Returns:
        Value and cost of each proxy, in the order of `names`.

    Raises:
        TrialError: The architecture cannot be measured, or a value is not finite.
        ValueError: A name is unknown, `batches` is fewer than the proxies need, or `prepare` refuses the fidelity.
        DatasetError: The data set is broken.
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
            steps = loop.batches.training(0, batches)
            drawn = [(tuple(level.float() for level in inputs), labels) for inputs, labels in steps]
            synchronize(target)
        drawing = time.perf_counter() - started
        subject = _Subject(loop.model, input_shapes(prepared), drawn, criterion)
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
