"""Time and memory of the units of global reasoning, the non-local block among them: `python -m benchmarks.graph_units`.

Each unit reads one map of 512 channels at 97x97 and at 128x256 (the size of Cityscapes' images at output stride 8), in
float32. Every figure comes from a fresh process: seconds are the best of as many runs as fit into `--seconds` (at least
one), memory is the peak of the entire process, including that of torch. "nothing" is a process that has only made the
map and, for the backward pass, its gradient.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from nas.models.complexity import multiply_adds
from nas.models.graph_reasoning import shipped_graph
from nas.models.heads.units import build_unit
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.text import architecture_text
from search_spaces.units import UNITS

CHANNELS = 512
SIZES = ((97, 97), (128, 256))
NOTHING = "nothing"
NAMES = (NOTHING, *(str(unit.model_fields["op"].default) for unit in UNITS))


def build(name: str) -> nn.Module:
    """Build a unit with its paper's parameters, and with Cityscapes' knowledge graph where it needs one."""
    if name == NOTHING:
        return nn.Identity()
    unit = next(unit for unit in UNITS if unit.model_fields["op"].default == name)
    return build_unit(unit(), CHANNELS, knowledge=shipped_graph("cityscapes"))


def measure(name: str, size: tuple[int, int], *, backward: bool, threads: int, seconds: float) -> dict[str, float]:
    """Measure the best seconds of one pass in this process, and the peak memory of the process in MiB."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    unit = build(name).train()
    x = torch.randn(1, CHANNELS, *size).contiguous(memory_format=torch.channels_last)
    gradient = torch.randn_like(x) if backward else None
    best, spent = float("inf"), 0.0
    while spent < seconds:
        started = time.perf_counter()
        one_pass(unit, x, gradient)
        took = time.perf_counter() - started
        best, spent = min(best, took), spent + max(took, 1e-3)
    return {"seconds": best, "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def one_pass(unit: nn.Module, x: torch.Tensor, gradient: torch.Tensor | None) -> None:
    """Run forward, and backward to weights and input where there is a gradient of the output."""
    if gradient is None:
        with torch.inference_mode():
            unit(x)
        return
    unit(x.requires_grad_()).backward(gradient)
    unit.zero_grad()
    x.grad = None


def run_alone(name: str, size: tuple[int, int], backward: bool, options: argparse.Namespace) -> dict[str, float]:
    """Run `measure` in a fresh process."""
    case = json.dumps([name, size, backward])
    limits = ["--threads", str(options.threads), "--seconds", str(options.seconds)]
    command = [sys.executable, "-m", "benchmarks.graph_units", *limits, "--only", case]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def describe(name: str) -> str:
    """Format the unit's name for the table."""
    if name == NOTHING:
        return NOTHING
    head = ReferenceHead.model_validate({"name": "trunk", "unit": {"op": name}})
    return architecture_text(head).removeprefix("trunk + ")


def row(name: str, size: tuple[int, int], options: argparse.Namespace) -> str:
    """Measure a unit and format its line of the table."""
    forward, both = (run_alone(name, size, backward, options) for backward in (False, True))
    count = multiply_adds(build(name), [(CHANNELS, *size)]) / 1e9
    cells: Sequence[Any] = (
        f"{size[0]}x{size[1]}",
        describe(name),
        f"{count:.2f}",
        *(f"{1e3 * result['seconds']:,.0f}" if name != NOTHING else "" for result in (forward, both)),
        *(f"{result['mebibytes']:,.0f}" for result in (forward, both)),
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0, help="time for the runs of each figure; at least one run")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        name, size, backward = json.loads(options.only)
        result = measure(name, tuple(size), backward=backward, threads=options.threads, seconds=options.seconds)
        print(json.dumps(result))
        return
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} thread(s), torch {torch.__version__}, float32"
    )
    times = "forward ms | forward and backward ms"
    print(f"\n| map | unit | 10^9 multiply-adds | {times} | peak MiB forward | peak MiB both |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size in SIZES:
        for name in NAMES:
            print(row(name, size, options), flush=True)


if __name__ == "__main__":
    main()
