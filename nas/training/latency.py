"""Latency: how long one forward pass of a head, or of an entire network, takes for one image."""

from __future__ import annotations

import contextlib
import copy
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from nas.models.backbones.build import build_backbone
from nas.models.complexity import Shape
from nas.models.documents import build_network
from nas.models.networks import build_classifier_head, is_network
from nas.specs import Fidelity
from nas.training.environment import device_model
from nas.training.loop.device import autocast, compute_dtype, pick_device, place, thread_count
from nas.training.loop.failures import trial_failures
from search_spaces.document import ArchitectureDocument, canonical
from search_spaces.latency import Latency
from search_spaces.validation import validate

RUNS, WARM_UP = 100, 20
"""Timed forward passes of a round, and those before them that are not timed."""

ROUNDS, STEADY = 3, 0.1
"""Rounds at most, and the interquartile range, as a share of the median, from which on a further round is made."""


def measure_latency(
    model: nn.Module,
    shapes: Sequence[Shape],
    what: Literal["head", "network"],
    fidelity: Fidelity,
    device: torch.device,
    *,
    runs: int = RUNS,
) -> Latency:
    """Time forward passes of a module with batch 1, as the fidelity computes (float32 or bfloat16), after a warm-up.

    On a CPU the module runs on the threads that torch has in this process; on a GPU a run is the replay of a CUDA
    graph, timed by the GPU. Weights do not matter. Other work on the device does, and only ever makes a pass longer: so
    where the passes of a round differ much, up to two further rounds are made, and the one with the smallest median is
    returned, with its own spread.

    Args:
        model: Left unchanged; a copy of it is run, in evaluation mode.
        shapes: Of each map that the module is called with.
        what: What the module is.
        fidelity: Says the precision.
        device: Where it is timed.
        runs: Number of timed forward passes of a round, at least 2.

    Raises:
        TrialError: The device's memory is exhausted.
    """
    shadow = copy.deepcopy(model).eval()
    place(shadow, device)
    generator = torch.Generator(device).manual_seed(0)  # the process's own stays where it is
    inputs = [
        torch.rand(1, *shape, device=device, generator=generator).to(memory_format=torch.channels_last)
        for shape in shapes
    ]
    dtype = compute_dtype(fidelity, device)

    def forward() -> Tensor:
        with autocast(device, dtype):
            output: Tensor = shadow(*inputs)
        return output

    rounds: list[list[float]] = []
    with trial_failures("measuring its latency"), torch.inference_mode(), _fast_kernels():
        while len(rounds) < ROUNDS:
            times = (_times_of_gpu if device.type == "cuda" else _times_of_cpu)(forward, runs)
            rounds.append(statistics.quantiles(times, n=4))
            if rounds[-1][2] - rounds[-1][0] <= STEADY * rounds[-1][1]:
                break
    low, median, high = min(rounds, key=lambda quartiles: quartiles[1])
    return Latency(
        what=what,
        median_ms=median,
        iqr_ms=high - low,
        runs=runs,
        device="cuda" if device.type == "cuda" else "cpu",
        model=device_model(device),
        threads=None if device.type == "cuda" else torch.get_num_threads(),
        torch=torch.__version__,
    )


def measure_document(
    document: ArchitectureDocument,
    *,
    device: str | None = None,
    threads: int | None = None,
    runs: int = RUNS,
) -> Latency:
    """Build what an architecture document describes, as its trial trained it, and time it here.

    Args:
        document: With `provenance.fidelity`, which says what the head reads.
        device: cpu, cuda or cuda:N; None: the kind of device of the recorded latency, else the first GPU or the CPU.
        threads: CPU threads; None: those of the recorded latency, else torch's own number.
        runs: Number of timed forward passes.

    Raises:
        ValueError: The document does not say how it was searched, or there is no such device here.
        TrialError: Memory is exhausted.
    """
    provenance = document.provenance
    if provenance.fidelity is None:
        raise ValueError("the document does not say how the architecture was searched (provenance.fidelity)")
    fidelity = validate(Fidelity, provenance.fidelity)
    recorded = provenance.latency
    here = pick_device(device or (None if recorded is None else recorded.device))
    model, shapes, what = _built(document, fidelity, max(1, len(provenance.classes)))
    with thread_count(threads or (None if recorded is None else recorded.threads)):
        return measure_latency(model, shapes, what, fidelity, here, runs=runs)


def _built(
    document: ArchitectureDocument, fidelity: Fidelity, classes: int
) -> tuple[nn.Module, list[Shape], Literal["head", "network"]]:
    """What a trial of the fidelity trains: head and logits on features, or the entire network on images."""
    architecture = canonical(document.architecture)
    if is_network(architecture) or not fidelity.backbone.frozen:
        return build_network(document, classes), [(3, *fidelity.crop)], "network"
    with torch.device("meta"):
        levels = build_backbone(fidelity.backbone).levels
    head = build_classifier_head(architecture, levels, classes, fidelity.head, fidelity.crop)
    height, width = fidelity.crop
    shapes = [(level.channels, (height - 1) // level.stride + 1, (width - 1) // level.stride + 1) for level in levels]
    return head, shapes, "head"


def _times_of_cpu(forward: Callable[[], Tensor], runs: int) -> list[float]:
    for _ in range(WARM_UP):
        forward()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        forward()
        times.append(1000 * (time.perf_counter() - started))
    return times


def _times_of_gpu(forward: Callable[[], Tensor], runs: int) -> list[float]:
    stream: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # torch's documentation requires it: lazy initialisation must not be captured
        for _ in range(3):
            forward()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        forward()
    for _ in range(WARM_UP):
        graph.replay()
    times = []
    for _ in range(runs):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]  # torch's
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(float(start.elapsed_time(end)))
    return times


@contextlib.contextmanager
def _fast_kernels() -> Iterator[None]:
    """The kernels that a deployed network would have: training asks for deterministic ones."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before
