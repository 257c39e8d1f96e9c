"""Trials on a GPU: milliseconds a step, captured or not, architectures an hour, whether cheaper steps rank alike."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.gpu.counts import CLASSES, PAPER, HeadStep
from benchmarks.trial_anatomy import SCENES
from nas.data.bank import FeatureBank
from nas.data.entry import DatasetEntry
from nas.data.scenes.generate import generate
from nas.models.backbones.base import Level
from nas.models.networks import build_classifier_head
from nas.specs import Fidelity, OptimizerSpec
from nas.training.evaluate import evaluate
from nas.training.loop.batches import BankBatches
from nas.training.loop.device import place, reproducible_kernels, synchronize
from nas.training.loop.loop import Loop
from nas.training.prepare import prepare
from nas.training.trial import build_loop, build_trial_network
from nas.training.workspace import Workspace
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.dense_cell.space import sample

TOGETHER = (1, 4, 16)
"""Trials that share a device."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured: `small` shows on any machine that the programs work, and measures nothing.

    Attributes:
        warm_up: Steps before the clock starts: a captured step is captured, caches are filled.
        backbone: Iterations in which the backbone is made; a frozen one is as quick whatever it has learnt.
        batch: Crops of a step of the paper's trial.
        seconds: For which processes that share the device train.
    """

    images: int = 1024
    steps: int = 300
    warm_up: int = 10
    backbone: int = 50
    paper_steps: int = 200
    batch: int = PAPER.batch
    seconds: float = 20.0
    cells: int = 24
    together: tuple[int, ...] = TOGETHER

    @classmethod
    def small(cls) -> Sizes:
        """Sizes with which everything runs within a minute on a CPU."""
        return cls(
            images=16,
            steps=4,
            warm_up=1,
            backbone=2,
            paper_steps=1,
            batch=2,
            seconds=1.0,
            cells=3,
            together=(1, 2),
        )


@contextlib.contextmanager
def scenes(images: int) -> Iterator[Workspace]:
    """Generate scenes in a folder of their own, with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "scenes", images, 0, SCENES.crop, images * 3 // 16)
        yield workspace_in(Path(folder))


def workspace_in(folder: Path) -> Workspace:
    """Return the workspace of a folder that `scenes` made."""
    entry = DatasetEntry(layout="cityscapes", root=folder / "scenes")
    return Workspace({"scenes": entry}, {}, folder / "cache", folder)


def fidelity(steps: int, backbone: int, *, precision: str = "float32", label_stride: int = 8) -> Fidelity:
    """Return the fidelity of examples/scenes.yaml with two rungs up to `steps`, and its backbone's iterations."""
    source = SCENES.backbone.model_copy(update={"warmup_iterations": backbone})
    changes = {"rungs": (steps // 2, steps), "precision": precision, "label_stride": label_stride, "backbone": source}
    return Fidelity.model_validate(SCENES.model_dump() | changes)


def demo_steps(workspace: Workspace, device: torch.device, sizes: Sizes) -> list[str]:
    """Time steps of the demo's trial: both precisions, replayed from a graph and launched one by one."""
    rows = ["| demo's trial | captured | ms a step | bank on the device |", "| --- | --- | --- | --- |"]
    for precision in ("float32", "bfloat16"):
        prepared = prepare(
            fidelity(sizes.warm_up + sizes.steps, sizes.backbone, precision=precision), workspace, device=device
        )
        for captured in (True, False):
            with reproducible_kernels(device):
                loop = build_loop(build_trial_network(PUBLISHED_CELL, prepared, 0), prepared, 0, device)
                loop.capture_graph = captured and loop.capture_graph
                seconds = _seconds_a_step(loop, device, sizes.warm_up, sizes.steps)
            assert isinstance(loop.batches, BankBatches)
            was = loop.capture_graph and device.type == "cuda"
            rows.append(f"| {precision} | {_yes(was)} | {1e3 * seconds:.3f} | {_yes(loop.batches.resident)} |")
    return rows


def paper_steps(device: torch.device, sizes: Sizes) -> list[str]:
    """Time steps of the paper's trial on features of its sizes (noise), with labels at pixels or at the stride."""
    rows = ["| paper's trial | captured | ms a step | 30,000 steps | architectures an hour |"]
    rows.append("| --- | --- | --- | --- | --- |")
    for precision, label_stride in (("float32", 1), ("float32", 16), ("bfloat16", 1), ("bfloat16", 16)):
        loop = paper_loop(device, precision, label_stride, sizes)
        with reproducible_kernels(device):
            seconds = _seconds_a_step(loop, device, sizes.warm_up, sizes.paper_steps)
        where = "pixels" if label_stride == 1 else "the stride"
        captured = _yes(loop.capture_graph and device.type == "cuda")
        whole = 30_000 * seconds
        times = f"{1e3 * seconds:.3f} | {whole:.0f} s | {3600 / whole:.1f}"
        rows.append(f"| {precision}, labels at {where} | {captured} | {times} |")
    return rows


def paper_loop(device: torch.device, precision: str, label_stride: int, sizes: Sizes) -> Loop:
    """Make the training loop of the published cell at the sizes of examples/cityscapes.yaml, on random features."""
    step = HeadStep(PAPER.features, PAPER.crop, PAPER.stride, PAPER.head, label_stride, batch=sizes.batch)
    asked = Fidelity.model_validate(
        {
            "dataset": "none",
            "head": step.head,
            "crop": step.crop,
            "rungs": (sizes.warm_up + sizes.paper_steps,),
            "batch": step.batch,
            "optimizer": OptimizerSpec(name="sgd"),
            "label_stride": label_stride,
            "precision": precision,
        }
    )
    model = build_classifier_head(PUBLISHED_CELL, [Level(step.stride, step.features[0])], CLASSES, step.head, step.crop)
    place(model, device)
    batches = BankBatches(_random_bank(step, precision), step.batch, 0, device)
    return Loop(model, batches, asked, torch.ones(CLASSES), seed=0, device=device)


def _random_bank(step: HeadStep, precision: str, rows: int = 32) -> FeatureBank:
    channels, height, width = step.features
    rng = np.random.default_rng(0)
    features: NDArray[Any] = rng.standard_normal((rows, height, width, channels), np.float32)
    if precision == "bfloat16":
        features = (features.view(np.uint32) >> 16).astype(np.uint16)  # the bits of bfloat16
    sides = (height, width) if step.label_stride > 1 else step.crop
    labels = rng.integers(0, CLASSES, (rows, *sides), np.uint8)
    return FeatureBank(Path("nowhere"), (features,), labels, (features[:8],), labels[:8], {}, {})


def _seconds_a_step(loop: Loop, device: torch.device, warm_up: int, steps: int) -> float:
    loop.train(warm_up)
    synchronize(device)
    started = time.perf_counter()
    loop.train(warm_up + steps)
    synchronize(device)
    return (time.perf_counter() - started) / steps


def sharing(workspace: Workspace, device: torch.device, sizes: Sizes) -> list[str]:
    """Count the trials of the demo that 1, 4 and 16 processes complete on one device."""
    prepare(fidelity(sizes.steps, sizes.backbone), workspace, device=device)
    rows = [f"| processes | trials of {sizes.steps} steps an hour | in parts of one process |", "| --- | --- | --- |"]
    alone = 0.0
    for count in sizes.together:
        hourly = _together(count, workspace, device, sizes)
        alone = alone or hourly
        rows.append(f"| {count} | {hourly:,.0f} | {hourly / alone if alone else 0:.2f} |")
    return rows


def _together(count: int, workspace: Workspace, device: torch.device, sizes: Sizes) -> float:
    arguments = [str(workspace.artifacts), str(device), str(sizes.steps), str(sizes.backbone), str(sizes.seconds)]
    command = [sys.executable, "-m", "benchmarks.gpu.trials", *arguments]
    pipe = subprocess.PIPE
    running = [subprocess.Popen([*command, str(seed)], stdin=pipe, stdout=pipe, text=True) for seed in range(count)]
    try:
        for process in running:  # until all have trained a trial, which warms them up
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise SystemExit(f"one of {count} processes did not get ready: does the device have room for them?")
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        rates = [float(process.communicate()[0]) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    return 3600 * sum(rates)


def train_for_a_while(folder: str, device: str, steps: str, backbone: str, seconds: str, seed: str) -> None:  # noqa: PLR0917  a command line
    """Train trials of random cells for some seconds; print how many a second. What `sharing` starts several times."""
    workspace, rng, asked = workspace_in(Path(folder)), random.Random(int(seed)), fidelity(int(steps), int(backbone))

    def trial() -> None:
        for _ in evaluate(sample(5, rng), asked, int(seed), workspace=workspace, device=device):
            pass

    trial()
    print("ready", flush=True)
    sys.stdin.readline()
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < float(seconds):
        trial()
        done += 1
    print(done / (time.perf_counter() - started), flush=True)


VARIANTS: dict[str, dict[str, Any]] = {
    "float32, labels at pixels": {"label_stride": 1},
    "float32, labels at stride 8": {},
    "bfloat16, labels at stride 8": {"precision": "bfloat16"},
}
"""Ways of measuring whose orders of architectures are compared; the first is the dearest."""


def rank_correlations(workspace: Workspace, device: torch.device, sizes: Sizes) -> list[str]:
    """Compare how variants of a step order the same random cells: Spearman's rho to the dearest one, other seeds."""
    rng = random.Random(0)
    cells = [sample(5, rng) for _ in range(sizes.cells)]

    def scores(variant: dict[str, Any], seed: int) -> list[float]:
        asked = fidelity(sizes.steps, sizes.backbone, **variant)
        return [
            [found.score for found in evaluate(cell, asked, seed, workspace=workspace, device=device)][-1]
            for cell in cells
        ]

    dearest, *cheaper = VARIANTS.items()
    reference = scores(dearest[1], 0)
    rows = [f"| {len(cells)} random cells, {sizes.steps} steps | rho to {dearest[0]} |", "| --- | --- |"]
    rows.append(f"| the same, another seed: what noise allows | {spearman(reference, scores(dearest[1], 1)):.3f} |")
    for name, variant in cheaper:
        rows.append(f"| {name}, another seed | {spearman(reference, scores(variant, 1)):.3f} |")
    return rows


def spearman(first: list[float], second: list[float]) -> float:
    """Compute the rank correlation of two lists; equal values share their mean rank."""
    a, b = (ranks - ranks.mean() for ranks in (_ranks(np.asarray(values)) for values in (first, second)))
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place_of, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place_of]
    return ranks


def _yes(value: bool) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    train_for_a_while(*sys.argv[1:])
