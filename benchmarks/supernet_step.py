"""Seconds and peak memory of a search step of Auto-DeepLab's supernet: the fast one against a direct implementation.

    python -m benchmarks.supernet_step [--layers 12] [--filters 8] [--blocks 5] [--crop 129] [--threads 2] [--repeat 3]
        [--leave-out "written out"] [--kept]

A step updates the weights by a gradient on one batch and alpha and beta by a gradient on another, with the loop of the
search. Each supernet runs in a process of its own; peak memory is that of the entire process, including some 0.3 GB of
torch. "torch's operators" is the fast supernet without native kernels. The direct implementation, "written out" in the
table (tests/nas/models/supernet/reference.py), is the reference with which the tests compare the fast supernet. All run
one after the other in one call, so that they compare on the same machine. `--kept` lists instead what a forward pass of
the fast supernet keeps for the backward pass, by the line of the models that computed with it.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nas.models.layers.native import prepare_kernels
from nas.models.supernet import build_supernet
from nas.specs import BilevelSpec, SupernetSpec
from nas.training.bilevel.loop import BilevelLoop

CLASSES, BATCH = 19, 2
WHICH = ("native", "torch's operators", "written out")


def main() -> None:
    """Measure both supernets and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (("layers", 12), ("filters", 8), ("blocks", 5), ("crop", 129), ("threads", 2), ("repeat", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--checkpointing", action="store_true", help="activation checkpointing in the quick supernet")
    parser.add_argument("--leave-out", choices=WHICH[1:], action="append", default=[], help="a supernet to leave out")
    parser.add_argument("--only", choices=WHICH, help=argparse.SUPPRESS)
    parser.add_argument("--kept", action="store_true", help="list what is kept for the backward pass")
    arguments = parser.parse_args()
    if arguments.kept:
        print_kept(arguments)
        return
    if arguments.only:
        print(json.dumps(measure(arguments)))
        return
    results = {which: run_alone(which, sys.argv[1:]) for which in WHICH if which not in arguments.leave_out}
    print(table(results, arguments))


def run_alone(which: str, arguments: list[str]) -> dict[str, Any]:
    """Measure one supernet in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.supernet_step", *arguments, "--only", which]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure wall and processor seconds of each step, and peak memory of this process in bytes."""
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    spec = spec_of(arguments)
    if (reason := prepare_kernels("supernet", allowed=arguments.only == "native")) is not None:
        raise SystemExit(reason)
    model = written_out(spec) if arguments.only == "written out" else build_supernet(spec, CLASSES)
    bilevel = BilevelSpec(dataset="none", crop=(arguments.crop, arguments.crop), batch=BATCH)
    device = torch.device("cpu")
    loop = BilevelLoop(model, bilevel, torch.ones(CLASSES), total_steps=1000, device=device)  # type: ignore[arg-type]  # the reference has what the loop uses
    images = torch.randn(2, BATCH, 3, arguments.crop, arguments.crop)
    labels = torch.randint(CLASSES, (2, BATCH, arguments.crop, arguments.crop))
    wall, processor = [], []
    for _ in range(arguments.repeat):
        started, busy = time.perf_counter(), time.process_time()
        loop.train_step((images[0], labels[0]), (images[1], labels[1]))
        wall.append(time.perf_counter() - started)
        processor.append(time.process_time() - busy)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"wall": wall, "processor": processor, "peak": peak, "parameters": _count(model)}


def spec_of(arguments: argparse.Namespace) -> SupernetSpec:
    """Make the supernet's spec."""
    return SupernetSpec(
        layers=arguments.layers,
        filters=arguments.filters,
        blocks=arguments.blocks,
        activation_checkpointing=arguments.checkpointing and arguments.only != "written out",
    )


def print_kept(arguments: argparse.Namespace) -> None:
    """Print the megabytes that each half of a step keeps between its forward pass and its backward pass."""
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    if (reason := prepare_kernels("supernet")) is not None:
        raise SystemExit(reason)
    model = build_supernet(spec_of(arguments), CLASSES).train()
    images = torch.randn(BATCH, 3, arguments.crop, arguments.crop)
    halves = {"the weights": model.weight_parameters(), "alpha and beta": model.architecture_parameters()}
    for half, trained in halves.items():
        model.requires_grad_(False)
        for parameter in trained:
            parameter.requires_grad_(True)
        places = kept(model, images)
        print(f"{sum(places.values()) / 1e6:.0f} MB for the gradient of {half}:")
        for place, size in places.most_common(12):
            print(f"{size / 1e6:10.1f}  {place}")


def kept(model: nn.Module, images: Tensor) -> Counter[str]:
    """Count the bytes that a forward pass keeps, without parameters; memory that several tensors share counts once."""
    known = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    places: Counter[str] = Counter()

    def keep(tensor: Tensor) -> Tensor:
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in known:
            known.add(memory.data_ptr())
            places[_place()] += memory.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(images)
    assert output.requires_grad  # what was kept lives as long as the output: no address was given out twice
    return places


def _place() -> str:
    """Name the lines of the models' code that are being run, innermost first."""
    frame = inspect.currentframe()
    lines: list[str] = []
    while frame is not None:
        folder, _, name = frame.f_code.co_filename.rpartition("/")
        if "/nas/models/" in folder:
            lines.append(f"{name}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(lines[:3])


def written_out(spec: SupernetSpec) -> nn.Module:
    """Build the tests' reference implementation, which has the interface that the loop uses."""
    path = Path(__file__).parents[1] / "tests" / "nas" / "models" / "supernet" / "reference.py"
    module_spec = importlib.util.spec_from_file_location("supernet_reference", path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    model: nn.Module = module.ReferenceSupernet(spec, CLASSES)
    return model


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def table(results: dict[str, dict[str, Any]], arguments: argparse.Namespace) -> str:
    """Format the table of docs/lab/benchmarks.md."""
    lines = [
        f"L {arguments.layers}, F {arguments.filters}, B {arguments.blocks}, {CLASSES} classes, batch {BATCH}, "
        f"crop {arguments.crop}, {arguments.threads} threads, torch {torch.__version__}, "
        f"{arguments.repeat} steps; seconds: best (median)",
        "",
        "| supernet | wall | processor | peak memory |",
        "| --- | --- | --- | --- |",
    ]
    for which, result in results.items():
        cells = [f"{min(result[key]):.2f} ({statistics.median(result[key]):.2f})" for key in ("wall", "processor")]
        lines.append(f"| {which} | {cells[0]} | {cells[1]} | {result['peak'] / 1e9:.2f} GB |")
    quick, *others = results.items()
    for which, slow in others:
        ratios = [min(slow[key]) / min(quick[1][key]) for key in ("wall", "processor")]
        memory = slow["peak"] / quick[1]["peak"]
        lines.append(f"| {which} in parts of {quick[0]} | {ratios[0]:.1f} | {ratios[1]:.1f} | {memory:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
