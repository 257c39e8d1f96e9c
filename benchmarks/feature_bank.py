"""Where a crop's milliseconds go while a feature bank is made: `python -m benchmarks.feature_bank`.

Generated scenes of 128x256 pixels pass the backbone of examples/scenes.yaml (here with random weights), or that of
examples/demo.yaml (`--backbone efficientnet_lite0`). First the parts of the work, each alone on one thread; then entire
banks, made as a driver has them made on two idle cores: two batches at once, one thread each. The backbone reads "few"
images at a time, as it does, or "many", two megapixels, as a GPU does. Everything takes turns in this process, so that
ratios compare; CPU seconds stand beside those of the wall clock, which a busy machine stretches. The process has the
environment that Ray's nodes give theirs.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nas.data.bank import build_bank
from nas.data.crops import CropSource, crop_batches
from nas.data.entry import DatasetEntry
from nas.data.rows import FolderRows
from nas.data.scenes.generate import generate
from nas.models.backbones.base import Backbone
from nas.specs import AugmentSpec, BackboneSpec
from nas.training.backbone.extractor import (
    PIXELS,
    StandardizedBackbone,
    feature_function,
    features_of,
    images_at_once,
)
from nas.training.loop.device import place, thread_count
from nas.training.loop.pixels import to_network
from nas.training.progress import silent
from nas.training.workspace import Workspace
from workers.cluster.node import node_environment

CROP = (128, 256)
STRIDE = 8
CPU, FLOAT = torch.device("cpu"), torch.float32
MANY = images_at_once(CROP)
KINDS = {"few": PIXELS, "many": MANY * CROP[0] * CROP[1]}
"""Pixels that a backbone reads at a time."""

BACKBONES = {
    "mobilenet_v2": BackboneSpec(name="mobilenet_v2", blocks=5, output_stride=STRIDE),
    "efficientnet_lite0": BackboneSpec(name="efficientnet_lite0", output_stride=32, levels=(STRIDE,)),
}


@dataclass(frozen=True)
class Seconds:
    """Of the wall clock and of all CPUs, of each of several runs."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]


def in_turns(runs: dict[str, Callable[[], object]], repeat: int) -> dict[str, Seconds]:
    """Run everything once to warm up, and then in turns."""
    walls: dict[str, list[float]] = {name: [] for name in runs}
    cpus: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(repeat):
        for name, run in runs.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            walls[name].append(time.perf_counter() - wall)
            cpus[name].append(time.process_time() - cpu)
    return {name: Seconds(tuple(walls[name]), tuple(cpus[name])) for name in runs}


def make_backbone(name: str, workspace: Workspace) -> StandardizedBackbone:
    """Build a frozen backbone whose features are left as they are."""
    torch.manual_seed(0)
    spec = BACKBONES[name]
    source = workspace.backbone_source(spec)
    body = source.build(spec) if source.trained else source.build_empty(spec)
    channels = sum(level.channels for level in body.levels)
    backbone = StandardizedBackbone(body, torch.zeros(channels), torch.ones(channels), frozen=True)
    place(backbone, CPU)
    return backbone


def parts(source: CropSource, backbone: Backbone, folder: Path) -> dict[str, Callable[[], object]]:
    """Make the parts of the work, each for all crops of a source."""
    rows = range(len(source))
    images = np.concatenate([pair[0] for _, pair in crop_batches(source, rows, len(source))])
    extract = feature_function(backbone, CPU, FLOAT)
    features = extract(images)

    def write() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as scratch, FolderRows(Path(scratch)) as files:
            for level, values in enumerate(features):
                files.append(f"{level}", values, len(images))
            files.close()

    def read_by(pixels: int) -> Callable[[], object]:
        return lambda: features_of(backbone, images, CPU, FLOAT, pixels)

    return {
        "reading and cropping": lambda: [source.row(row) for row in rows],
        "the network's inputs": lambda: to_network(torch.from_numpy(images), backbone.preprocessing),
        **{f"inputs and backbone, {kind} at a time": read_by(pixels) for kind, pixels in KINDS.items()},
        "writing and hashing": write,
    }


def banks(train: CropSource, val: CropSource, backbone: Backbone, folder: Path) -> dict[str, Callable[[], object]]:
    """Make what makes a bank, verified and opened, by few images at a time and by many."""

    def build(pixels: int) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            build_bank(
                Path(scratch) / "bank",
                train,
                val,
                lambda: feature_function(backbone, CPU, FLOAT, pixels),
                label_stride=STRIDE,
                batch=MANY,
                progress=silent,
                parallel=2,
            )

    return {f"{kind} at a time": functools.partial(build, pixels) for kind, pixels in KINDS.items()}


def print_table(title: str, measured: dict[str, Seconds], crops: int) -> None:
    """Print milliseconds a crop: of CPUs and of the wall clock, least and median."""
    print(f"| {title}: ms a crop | CPU least | median | wall least | median |\n| --- | --- | --- | --- | --- |")
    for name, seconds in measured.items():
        values = [pick(of) / crops * 1e3 for of in (seconds.cpu, seconds.wall) for pick in (min, statistics.median)]
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in values)} |")
    print(flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.feature_bank", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--backbone", choices=list(BACKBONES), default="mobilenet_v2")
    parser.add_argument("--images", type=int, default=256, help="training images; validation images are 3 for 16")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    _become_a_worker()
    with tempfile.TemporaryDirectory() as folder, thread_count(1):
        root = Path(folder) / "scenes"
        generate(root, options.images, 0, CROP, options.images * 3 // 16)
        entry = DatasetEntry(layout="cityscapes", root=root)
        workspace = Workspace({"scenes": entry}, {}, Path(folder) / "cache", Path(folder))
        dataset = workspace.dataset("scenes")
        backbone = make_backbone(options.backbone, workspace)
        train = CropSource(dataset.split("train"), options.images, CROP, 1, AugmentSpec(scale=(1.0, 1.0)))
        val = CropSource(dataset.split("val"), options.images * 3 // 16, CROP)
        few = CropSource(train.split, min(MANY, options.images), CROP, 1, train.augment)
        print(f"{options.backbone} at stride {STRIDE}, {CROP[0]}x{CROP[1]}, torch {torch.__version__}\n")
        print_table("one thread", in_turns(parts(few, backbone, Path(folder)), options.repeat), len(few))
        made = in_turns(banks(train, val, backbone, Path(folder)), options.repeat)
        print_table("a bank, two threads", made, len(train) + len(val))


def _become_a_worker() -> None:
    """Start this process anew with what it lacks of a node's variables: the allocator reads its own at the start."""
    missing = {name: value for name, value in node_environment().items() if name not in os.environ}
    if missing:
        os.environ.update(missing)
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.feature_bank", *sys.argv[1:]])


if __name__ == "__main__":
    main()
