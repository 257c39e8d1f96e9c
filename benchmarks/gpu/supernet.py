"""The search step of Auto-DeepLab's supernet on a GPU: eager, and the weights' pass replayed from a CUDA graph."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.gpu.counts import CLASSES, STEPS
from nas.models.supernet import Supernet, build_supernet
from nas.specs import BilevelSpec, SupernetSpec
from nas.training.bilevel.loop import BilevelLoop
from nas.training.loop.device import synchronize
from nas.training.loop.losses import SegmentationLoss

BATCH = 2


def supernet_steps(device: torch.device, spec: SupernetSpec, crops: tuple[int, ...], repeat: int) -> list[str]:
    """Time search steps in both precisions, and a captured pass of the weights where the device is a GPU."""
    rows = [
        "| crop | precision | step, eager ms | weights' pass, eager ms | captured ms | peak GB | schedule, eager h |"
    ]
    rows.append("| --- | --- | --- | --- | --- | --- | --- |")
    for crop in crops:
        for precision in ("float32", "bfloat16") if device.type == "cuda" else ("float32",):
            rows.append(_row(device, spec, crop, precision, repeat))
            if device.type == "cuda":
                torch.cuda.empty_cache()
    return rows


def _row(device: torch.device, spec: SupernetSpec, crop: int, precision: str, repeat: int) -> str:
    torch.manual_seed(0)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    model = build_supernet(spec, CLASSES).to(device)
    bilevel = BilevelSpec.model_validate(
        {"dataset": "none", "crop": (crop, crop), "batch": BATCH, "precision": precision}
    )
    loop = BilevelLoop(model, bilevel, torch.ones(CLASSES), total_steps=1000, device=device)
    on_a, on_b = (_batch(crop, device) for _ in range(2))
    both = _timed(lambda: loop.train_step(on_a, on_b), device, repeat)
    weights = _timed(lambda: loop.train_step(on_a, None), device, repeat)
    hours = (STEPS[False] * both + (STEPS[True] - STEPS[False]) * weights) / 3600
    peak = torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else float("nan")
    passed = gradient_pass(model, on_a, precision)
    eager = _timed(passed, device, repeat)
    captured = f"{1e3 * _timed(captured_pass(passed, device), device, repeat):.1f}" if device.type == "cuda" else "-"
    return f"| {crop} | {precision} | {1e3 * both:.1f} | {1e3 * eager:.1f} | {captured} | {peak:.2f} | {hours:.1f} |"


def gradient_pass(model: Supernet, batch: tuple[Tensor, Tensor], precision: str) -> Callable[[], None]:
    """Make the pass of the weights' half: the loss on a batch, and its gradient in the weights."""
    criterion = SegmentationLoss(torch.ones(CLASSES)).to(batch[0].device)
    weights = model.weight_parameters()
    reduced = precision == "bfloat16"

    def run() -> None:
        with torch.autocast(batch[0].device.type, torch.bfloat16, enabled=reduced, cache_enabled=False):
            logits = model(batch[0])
        torch.autograd.grad(criterion(logits, batch[1]), weights, allow_unused=True)

    return run


def captured_pass(run: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Capture a pass as a CUDA graph, and return its replay."""
    stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def _batch(crop: int, device: torch.device) -> tuple[Tensor, Tensor]:
    images = torch.randn(BATCH, 3, crop, crop, device=device)
    return images, torch.randint(CLASSES, (BATCH, crop, crop), device=device)


def _timed(run: Callable[[], object], device: torch.device, repeat: int) -> float:
    run()
    synchronize(device)
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        run()
        synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times)
