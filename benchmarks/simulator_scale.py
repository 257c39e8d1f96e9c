"""How long a search of 28,000 trials on 370 workers takes in the simulator, and how much memory.

    python -m benchmarks.simulator_scale [--trials 28000] [--workers 370] [--strategy '{"name": "dpc"}']

The scale is that of DPC's search (Chen et al., NeurIPS 2018: 28,000 architectures, 370 GPUs, one week). Strategy, early
stopping and the store are those of a real search, in one process, with an SQLite file. The scores are *synthetic*: a
formula of the cell, written down here, and no statement about heads or strategies.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path

from nas.kinds.black_box import StrategyPlan
from nas.results.measurement import Measurement
from nas.specs import BlackBoxSpec, Fidelity
from nas.store import Store
from search_spaces.dense_cell.architecture import AtrousSeparable, DenseCell
from workers.simulation import VirtualClock, simulate
from workers.trainables.task import TrialTask

RUNGS = (7500, 15_000, 30_000)
SECONDS = 5400.0
"""Of a trial that runs to its last rung, on average: 90 minutes, as in the paper."""

SAMPLES = 10
"""How often the resident memory is read."""


def synthetic(task: TrialTask) -> list[Measurement]:
    """Measure a cell by a formula: the more atrous branches it has the better, with noise that later rungs have less.

    Args:
        task: A trial of a dense cell.
    """
    cell = task.architecture
    assert isinstance(cell, DenseCell), cell.kind
    atrous = sum(isinstance(branch.operator, AtrousSeparable) for branch in cell.branches) / len(cell.branches)
    rng = random.Random(f"{task.seed}/{task.number}")
    speed = rng.uniform(0.7, 1.3)
    measurements = []
    for depth, rung in enumerate(RUNGS):
        score = min(1.0, max(0.0, 0.3 + 0.3 * atrous + 0.05 * depth + rng.gauss(0, 0.04 / (depth + 1))))
        seconds = SECONDS * speed * rung / RUNGS[-1]
        measurements.append(
            Measurement(
                iteration=rung,
                score=score,
                class_iou=(score,),
                train_loss=1.0,
                val_loss=1.0,
                seconds=seconds,
                device_seconds=seconds,
            )
        )
    return measurements


def main() -> None:
    """Simulate, and print a table of time and memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=28_000)
    parser.add_argument("--workers", type=int, default=370)
    parser.add_argument("--strategy", type=json.loads, default={"name": "dpc"}, help="as in a spec, in JSON")
    arguments = parser.parse_args()
    spec = BlackBoxSpec.model_validate(
        {
            "name": "scale",
            "fidelity": Fidelity(dataset="synthetic", rungs=RUNGS),
            "strategy": arguments.strategy,
            "trials": arguments.trials,
            "resources": {"concurrent": arguments.workers},
        }
    )
    print(f"{arguments.trials:,} trials, {arguments.workers} workers, {spec.strategy.name}, synthetic scores\n")
    print("| trials ended | seconds | resident MB | database MB |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="segnas-simulator-") as folder:
        _simulate(spec, Path(folder) / "store.db")


def _simulate(spec: BlackBoxSpec, database: Path) -> None:
    clock = VirtualClock()
    ended, begun, begun_cpu = 0, time.perf_counter(), time.process_time()

    def watch(_now: float, _number: int, _measurement: Measurement, ends: bool) -> None:
        nonlocal ended
        ended += ends
        if ends and ended % max(1, spec.trials // SAMPLES) == 0:
            size = sum(file.stat().st_size for file in database.parent.iterdir())
            print(
                f"| {ended:,} | {time.perf_counter() - begun:.0f} | {_resident():.0f} | {size / 1e6:.0f} |", flush=True
            )

    with Store.open(f"sqlite:///{database}", clock) as store:
        store.migrate()
        found = simulate(store, clock, spec, StrategyPlan(spec), synthetic, watch=watch)
        odd = store.odd_totals()
    cpu, days = time.process_time() - begun_cpu, found.device_seconds / 86_400
    print(f"\n{found.status}: {cpu:.0f} CPU seconds, {found.seconds / 86_400:.2f} virtual days, {days:.0f} device-days")
    print("; ".join(odd) or "the totals that the store keeps are those of its rows")


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
