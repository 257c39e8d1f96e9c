"""Latencies of heads on this machine, one after the other in this process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from nas.heads_bench.build import LatencyOf
from nas.heads_bench.latency_file import read_latencies, write_latencies
from nas.heads_bench.table import Latency
from nas.models.networks import HeadWithClassifier, SegmentationNetwork
from nas.settings import read_settings
from nas.specs import Fidelity
from nas.training.environment import environment_of
from nas.training.prepare import Prepared, prepare
from nas.training.trial import build_trial_network, input_shapes
from nas.training.workspace import Workspace
from search_spaces.document import architecture_from_dict

RUNS, WARMUP, THREADS = 200, 20, 1


def measure_latencies(
    file: Path, heads: Iterable[Mapping[str, Any]], fidelities: Iterable[Fidelity], runs: int = RUNS
) -> None:
    """Measure the latencies that the file lacks, on a CPU with one thread; the file has them after each data set.

    Args:
        file: Where they are, or will be.
        heads: Architectures with their kind.
        fidelities: One for each data set, whose features the home folder's cache has.
        runs: Forward passes of each head.

    Raises:
        ValueError: The file has latencies that were measured otherwise.
    """
    torch.set_num_threads(THREADS)
    workspace = Workspace.from_settings(read_settings())
    architectures = [architecture_from_dict(head) for head in heads]
    for fidelity in fidelities:
        prepared = prepare(fidelity, workspace, device="cpu")
        model = environment_of(prepared, torch.device("cpu")).model
        how = Latency(device="cpu", model=model, threads=THREADS, runs=runs, warmup=WARMUP)
        known, found = read_latencies(file) if file.exists() else (how, {})
        if known != how:
            raise ValueError(f"{file} was measured as {known}, not as {how}: move it away to measure anew")
        for architecture in architectures:
            if (fidelity.dataset, architecture.key) not in found:
                network = build_trial_network(architecture, prepared, 0)
                assert isinstance(network, SegmentationNetwork), architecture.kind
                found[fidelity.dataset, architecture.key] = _latency(network, prepared, runs)
        write_latencies(file, how, found)


def _latency(network: SegmentationNetwork, prepared: Prepared, runs: int) -> LatencyOf:
    model = HeadWithClassifier(network.head, network.classifier).eval()
    inputs = [torch.rand(1, *shape).to(memory_format=torch.channels_last) for shape in input_shapes(prepared)]
    with torch.inference_mode():
        for _ in range(WARMUP):
            model(*inputs)
        times = [_seconds(lambda: model(*inputs)) for _ in range(runs)]
    low, median, high = (1000 * time for time in statistics.quantiles(times, n=4))
    return LatencyOf(median, high - low)


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
