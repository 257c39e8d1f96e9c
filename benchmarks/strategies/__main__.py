"""Compare search strategies on a table of heads: regret against trials, device-seconds and time, for N workers.

    python -m benchmarks.strategies build/heads_bench/heads.zip --dataset colin27 --seeds 50 --processes 2

Every search runs in virtual time through the service's own strategy, early stopping, book and store, on the table's
cells of one space. The regret is the highest mean score (over the seeds, at the last rung) of these cells minus the
mean score of the cell that the search calls the best. Curves, costs and ratios are written as JSON, with a plot. A
second run simulates only what is missing. `--searches FILE.yaml` maps names to parts of a spec, such as

    tpe and halving: {strategy: {name: tpe}, early_stopping: {reduction: 3}}
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml

from benchmarks.strategies.plot import AXES, plot
from benchmarks.strategies.regret import band, ratio, reached
from benchmarks.strategies.runs import TOP, Arena, Job, Run, Track, run_all
from nas.specs import DenseCellSpace, Strategy

WORKERS = (1, 8, 64)
SEEDS = 50
FIRST_SEED = 1000
COSTS = ("measured", "returned")


def main() -> None:
    """Simulate what is missing, then write `regret.json` and `regret.png`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table", type=Path, nargs="?", default=Path("build/heads_bench/heads.zip"))
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--space", type=json.loads, default={"operators": "extended"}, help="of dense cells, in JSON")
    parser.add_argument("--searches", type=Path, help="YAML; default: every strategy, with halving and without")
    parser.add_argument("--baseline", default="random", help="the search that costs are compared with")
    parser.add_argument("--trials", type=int, help="default: as many as there are cells")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/strategies"))
    arguments = parser.parse_args()
    searches = yaml.safe_load(arguments.searches.read_text("utf-8")) if arguments.searches else default_searches()
    if arguments.baseline not in searches:
        parser.error(f"--baseline is one of {', '.join(searches)}, not {arguments.baseline!r}")
    space = DenseCellSpace.model_validate(arguments.space)
    arena = Arena(str(arguments.table), arguments.dataset, space, arguments.trials)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    jobs = {
        (name, workers): [Job(name, search, workers, seed) for seed in seeds]
        for name, search in searches.items()
        for workers in arguments.workers
    }
    every = run_all(
        arena, (job for group in jobs.values() for job in group), arguments.folder / "runs.jsonl", arguments.processes
    )
    runs = {key: [every[job.identity] for job in group] for key, group in jobs.items()}
    report(arena, searches, runs, arguments.baseline, arguments.folder)


def default_searches() -> dict[str, dict[str, Any]]:
    """Name every strategy with its defaults, once without early stopping and once with it."""
    union = get_args(get_args(Strategy.__value__)[0])
    names = [model.model_fields["name"].default for model in union]
    plain = {name: {"strategy": {"name": name}, "early_stopping": None} for name in names}
    return plain | {f"{name}, halving": {"strategy": {"name": name}} for name in names}


def report(
    arena: Arena,
    searches: Mapping[str, Mapping[str, Any]],
    runs: Mapping[tuple[str, int], list[Run]],
    baseline: str,
    folder: Path,
) -> None:
    """Write curves and costs, and print the costs.

    Args:
        arena: Where was compared.
        searches: Parts of specs, by name.
        runs: Of each search and number of workers.
        baseline: The search that costs are compared with.
        folder: Where `regret.json` and `regret.png` go.
    """
    track = Track(arena)
    bands = {(*key, axis): band(group, axis) for key, group in runs.items() for axis in AXES}
    costs = [_costs(name, workers, runs[name, workers], runs[baseline, workers]) for name, workers in runs]
    found = {
        "table": track.replay.table_hash,
        "dataset": arena.dataset,
        "space": arena.space.model_dump(mode="json"),
        "cells": len(track.means),
        "best_mean": track.best,
        "best_share": {"share": TOP, "least_mean": track.good},
        "searches": searches,
        "baseline": baseline,
        "costs": costs,
        "curves": [
            {"search": name, "workers": workers, "axis": axis, **of._asdict()}
            for (name, workers, axis), of in bands.items()
        ],
    }
    (folder / "regret.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    seeds = len(next(iter(runs.values())))
    plot(
        folder / "regret.png", f"{arena.dataset}: {len(track.means)} cells, {seeds} seeds, median and quartiles", bands
    )
    _print(costs, baseline)


def _costs(name: str, workers: int, group: list[Run], others: list[Run]) -> dict[str, Any]:
    answer: dict[str, Any] = {"search": name, "workers": workers}
    for what in COSTS:
        for index, unit in enumerate(("trials", "device_seconds")):
            costs, base = ([getattr(run, what)[index] for run in these] for these in (group, others))
            answer[f"{what} {unit}"] = {**reached(costs), "ratio": ratio(costs, base)._asdict()}
    return answer


def _print(costs: list[dict[str, Any]], baseline: str) -> None:
    print(
        f"| search | workers | best {TOP:.0%} measured: reached | mean trials | ratio to {baseline} (95 %) "
        f"| mean device-seconds | ratio to {baseline} (95 %) |\n|---|---|---|---|---|---|---|"
    )
    for row in costs:
        trials, seconds = row["measured trials"], row["measured device_seconds"]
        cells = [row["search"], row["workers"], f"{trials['reached']} of {trials['runs']}"]
        for cost in (trials, seconds):
            of = cost["ratio"]
            cells += ["-" if cost["mean"] is None else f"{cost['mean']:.0f}"]
            cells += ["-" if of["value"] is None else f"{of['value']:.2f} ({of['low']:.2f} to {of['high']:.2f})"]
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
