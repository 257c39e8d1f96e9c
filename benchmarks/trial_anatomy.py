"""Where the seconds of one trial go, and what bank and kernels save: `python -m benchmarks.trial_anatomy`.

The same trial (one architecture, one fidelity, one seed) runs with the feature bank, with the bank but without native
kernels, and with the frozen backbone in every step, all in this process on the same threads, taking turns. The ratios
are those of entire trials without instruments; the split is that of some steps with clocks around backbone, head,
backward pass and optimiser. The data are generated scenes of 128x256 pixels by default. The split is in seconds of the
wall clock; CPU seconds of the process stand beside those of entire trials, as a busy machine stretches the wall clock.
"""

from __future__ import annotations

import argparse
import contextlib
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nas.data.entry import DatasetEntry
from nas.data.scenes.generate import generate
from nas.models.layers.native import kernels, without_kernels
from nas.models.networks import SegmentationNetwork
from nas.specs import AugmentSpec, BackboneSpec, Fidelity, HeadSpec, OptimizerSpec
from nas.training.loop.device import pick_device, reproducible_kernels, synchronize, thread_count
from nas.training.loop.loop import Loop
from nas.training.loop.rungs import RungRun
from nas.training.prepare import Prepared, prepare
from nas.training.trial import build_loop, build_trial_network
from nas.training.workspace import Workspace
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import Architecture, read_architecture

SCENES = Fidelity(
    dataset="scenes",
    backbone=BackboneSpec(blocks=5, output_stride=8, warmup_iterations=50),
    crop=(128, 256),
    augment=AugmentSpec(scale=(1.0, 1.0)),
    head=HeadSpec(channels=32, dropout=0.0, rate_multiplier=1),
    rungs=(150, 300),
    batch=8,
    optimizer=OptimizerSpec(name="adam", learning_rate=0.016, weight_decay=0.0),
    class_weighting=0.5,
    label_stride=8,
)
"""The fidelity of examples/scenes.yaml, with a shorter warm-up, which changes no shape and so no time of a trial."""


@dataclass
class Clock:
    """Wall seconds by part of a step; each reading waits for the device."""

    device: torch.device
    parts: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _since: float = 0.0

    def start(self, *_: object) -> None:
        """Read the clock."""
        synchronize(self.device)
        self._since = time.perf_counter()

    def stop(self, part: str) -> Callable[..., None]:
        """Make a hook that adds the seconds since the last reading to `part`, and reads the clock again."""

        def add(*_: object) -> None:
            synchronize(self.device)
            now = time.perf_counter()
            self.parts[part] += now - self._since
            self._since = now

        return add


@dataclass(frozen=True)
class Trial:
    """One architecture, trained with or without a feature bank, with or without native kernels, at seed 0."""

    architecture: Architecture
    prepared: Prepared
    device: torch.device
    native: bool = True

    def kernels(self) -> contextlib.AbstractContextManager[None]:
        """Return the context in which the trial runs."""
        return contextlib.nullcontext() if self.native else without_kernels()

    def start(self) -> tuple[SegmentationNetwork, Loop]:
        """Build the network and its training loop."""
        network = build_trial_network(self.architecture, self.prepared, 0)
        if not isinstance(network, SegmentationNetwork):
            raise SystemExit(f"{self.architecture.kind} has no frozen backbone whose features a bank could hold")
        return network, build_loop(network, self.prepared, 0, self.device)


def whole_trial(trial: Trial) -> tuple[float, float, float]:
    """Run a trial; return wall and CPU seconds, from building the network to the last measurement, and score."""
    wall, cpu = time.perf_counter(), time.process_time()
    with trial.kernels():
        _, loop = trial.start()
        run = RungRun(loop, trial.prepared.fidelity.rungs, trial.prepared.dataset.num_classes, trial.device)
        score = list(run.measurements())[-1].score
    return time.perf_counter() - wall, time.process_time() - cpu, score


def split_of_a_step(trial: Trial, steps: int) -> dict[str, float]:
    """Measure wall seconds per training step by part, over `steps` uncaptured steps after ten to warm up."""
    network, loop = trial.start()
    loop.capture_graph = False
    clock, device = Clock(trial.device), trial.device
    with trial.kernels():
        loop.train(10)
        hooks = _instrument(network, loop, clock)
        started = time.perf_counter()
        loop.train(10 + steps)
        synchronize(device)
        total = time.perf_counter() - started
    for hook in hooks:
        hook.remove()
    parts = {part: seconds / steps for part, seconds in clock.parts.items()}
    return {**parts, "everything else": total / steps - sum(parts.values())}


def _instrument(network: SegmentationNetwork, loop: Loop, clock: Clock) -> list[Any]:
    modules: tuple[tuple[nn.Module, str], ...] = (
        (network.backbone, "backbone"),
        (network.head, "head forward"),
        (network.classifier, "head forward"),
    )
    hooks: list[Any] = []
    for module, part in modules:
        hooks += [module.register_forward_pre_hook(clock.start), module.register_forward_hook(clock.stop(part))]
    optimizer = loop.optimizer
    hooks += [
        optimizer.register_step_pre_hook(clock.stop("loss and backward")),
        optimizer.register_step_post_hook(clock.stop("optimiser")),
    ]
    return hooks


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    options = _parser().parse_args(arguments)
    architecture = (
        PUBLISHED_CELL if options.architecture is None else read_architecture(options.architecture).architecture
    )
    device = pick_device(options.device)
    rungs = (options.steps // 2, options.steps)
    backbone = SCENES.backbone.model_copy(update={"blocks": options.blocks or None})
    fidelity = SCENES.model_copy(update={"rungs": rungs, "precision": options.precision, "backbone": backbone})
    with tempfile.TemporaryDirectory() as folder, thread_count(options.threads), reproducible_kernels(device):
        root = Path(folder) / "scenes"
        generate(root, options.images, 0, fidelity.crop, options.images * 3 // 16)
        entry = DatasetEntry(layout="cityscapes", root=root)
        workspace = Workspace({"scenes": entry}, {}, Path(folder) / "cache", Path(folder))
        started = time.perf_counter()
        with_bank = prepare(fidelity, workspace, device=device)
        prepared_in = time.perf_counter() - started
        assert with_bank.bank is not None
        _describe(options, fidelity, device)
        report = with_bank.bank.report
        print(
            f"prepared once in {prepared_in:.1f} s, of which the feature bank {report['seconds']:.1f} s "
            f"({report['train_rows']} + {report['val_rows']} crops, {report['bytes'] / 2**20:.0f} MiB)\n"
        )
        kinds = {
            "feature bank": Trial(architecture, with_bank, device),
            "without native kernels": Trial(architecture, with_bank, device, native=False),
            "backbone in every step": Trial(architecture, replace(with_bank, bank=None), device),
        }
        _print_tables(kinds, options.repeat, options.split_steps)


def _print_tables(kinds: dict[str, Trial], repeat: int, split_steps: int) -> None:
    splits = {kind: split_of_a_step(trial, split_steps) for kind, trial in kinds.items()}
    walls: dict[str, list[float]] = {kind: [] for kind in kinds}
    cpus: dict[str, list[float]] = {kind: [] for kind in kinds}
    scores: dict[str, float] = {}
    for _ in range(repeat):  # taking turns, so that a busy spell of the machine meets both
        for kind, trial in kinds.items():
            wall, cpu, scores[kind] = whole_trial(trial)
            walls[kind].append(wall)
            cpus[kind].append(cpu)
    parts = ("backbone", "head forward", "loss and backward", "optimiser", "everything else")
    print("| " + " | ".join(["milliseconds a training step", *kinds]) + " |")
    print("|---" * (1 + len(kinds)) + "|")
    for part in parts:
        print(f"| {part} | " + " | ".join(f"{1e3 * splits[kind].get(part, 0.0):.2f}" for kind in kinds) + " |")
    print(f"| step | {' | '.join(f'{1e3 * sum(splits[kind].values()):.2f}' for kind in kinds)} |\n")
    print("| " + " | ".join(["whole trial", *kinds]) + " |")
    print("|---" * (1 + len(kinds)) + "|")
    for name, seconds in (("wall seconds (best)", walls), ("CPU seconds (best)", cpus)):
        best = [min(seconds[kind]) for kind in kinds]
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in best)} |")
        print(f"| ... in parts of the first | {' | '.join(f'{value / best[0]:.2f}' for value in best)} |")
    print(f"| validation mIoU | {' | '.join(f'{scores[kind]:.4f}' for kind in kinds)} |", flush=True)


def _describe(options: argparse.Namespace, fidelity: Fidelity, device: torch.device) -> None:
    native = kernels("heads") if device.type == "cpu" else None
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} CPU"
    print(
        f"{name}, {torch.get_num_threads()} thread(s), torch {torch.__version__}, {fidelity.precision}; "
        f"{options.images} training images {fidelity.crop[0]}x{fidelity.crop[1]}, MobileNet-v2 of "
        f"{fidelity.backbone.blocks or 18} stages, output stride "
        f"{fidelity.backbone.output_stride}, {fidelity.head.channels} filters, batch {fidelity.batch}, "
        f"{fidelity.iterations} steps; native kernels: {'none' if native is None else native.identity}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.trial_anatomy", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--architecture", type=Path, help="document; default: the published dense prediction cell")
    parser.add_argument("--images", type=int, default=256, help="training images; validation images are 3 for 16")
    parser.add_argument("--blocks", type=int, default=5, help="stages of the backbone; 0: all 18")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--split-steps", type=int, default=40, help="steps measured for the split")
    parser.add_argument("--repeat", type=int, default=2, help="whole trials of each kind; the best counts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    return parser


if __name__ == "__main__":
    main()
