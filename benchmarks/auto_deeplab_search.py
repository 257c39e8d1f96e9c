"""Is the differentiable search better than chance? Decoded networks against random ones of the same space.

    python -m benchmarks.auto_deeplab_search [--search-seeds 0] [--random 8] [--train-seeds 0] [--ablation 0]

The search of examples/auto_deeplab.yaml runs on generated scenes, once per search seed. The networks decoded at the end
and `--random` uniform networks are then trained alike, at the spec's `scoring` fidelity, with each of the training
seeds. Random networks are uniform over those that decoding can give: the same number of layers, levels and blocks, two
different states into each block, the spec's operators without "none", all paths of the trellis. `--ablation N` adds N
networks with the decoded cell on random paths, and N with random cells on the decoded path.

Two processes run, with one thread each. Every result is saved in the work folder when it is ready, and a second run
resumes there. The benchmark runs about five minutes on two free cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from nas.data.entry import DatasetEntry
from nas.data.scenes import generate
from nas.results.snapshot import Snapshot
from nas.specs import AutoDeepLabSpec
from nas.training.bilevel import search
from nas.training.evaluate import evaluate
from nas.training.workspace import Workspace
from search_spaces.auto_deeplab.architecture import NONE, AutoDeepLab, Block, Operator
from search_spaces.auto_deeplab.space import sample_cell, sample_path
from search_spaces.base import content_key

EXAMPLE = Path(__file__).parent.parent / "examples" / "auto_deeplab.yaml"
IMAGES, VAL_IMAGES, SIZE = 1024, 192, (128, 256)
"""The demo's scenes (examples/demo.py)."""

DATASET = "scenes"
PROCESSES = 2


@dataclass(frozen=True)
class Candidate:
    """A network to train, with the text of its origin for the table."""

    origin: str
    architecture: AutoDeepLab


@dataclass(frozen=True)
class WorkFolder:
    """The folder of data and results, as worker processes need it."""

    path: Path

    def workspace(self) -> Workspace:
        """Make the workspace of the scenes, with its cache in this folder."""
        entry = DatasetEntry(layout="cityscapes", root=self.path / DATASET)
        return Workspace({DATASET: entry}, {}, self.path / "cache", self.path / "artifacts")

    def cached(self, kind: str, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Read the result of a key, or make and save it, with the CPU seconds that it cost."""
        path = self.path / kind / f"{key}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            started = time.process_time()
            made = {**make(), "cpu_seconds": time.process_time() - started}
            path.write_text(json.dumps(made), encoding="utf-8")
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return result


def run_search(folder: WorkFolder, spec: AutoDeepLabSpec, seed: int) -> dict[str, Any]:
    """Return all snapshots of one search."""
    torch.set_num_threads(1)
    workspace = folder.workspace()

    def make() -> dict[str, Any]:
        run = search(spec, seed, workspace=workspace, device="cpu")
        return {"snapshots": [snapshot.model_dump(mode="json") for snapshot in run]}

    return folder.cached("searches", content_key([spec.run_key, workspace.dataset(DATASET).key, seed]), make)


def train(folder: WorkFolder, spec: AutoDeepLabSpec, architecture: AutoDeepLab, seed: int) -> dict[str, Any]:
    """Return score and size of one network at the spec's scoring fidelity."""
    fidelity = spec.scoring
    assert fidelity is not None, "checked by main()"
    workspace = folder.workspace()

    def make() -> dict[str, Any]:
        run = evaluate(architecture, fidelity, seed, workspace=workspace, device="cpu", threads=1)
        return list(run)[-1].model_dump(mode="json", include={"score", "parameters", "multiply_adds"})

    key = content_key([architecture.key, fidelity.key, workspace.dataset(DATASET).key, seed])
    return folder.cached("trainings", key, make)


def random_cell(spec: AutoDeepLabSpec, rng: random.Random) -> tuple[Block, ...]:
    """Draw a cell uniformly from those that decoding can give, by rejection from the larger space."""
    allowed: set[Operator] = set(spec.supernet.operators) - {NONE}
    while True:
        cell = sample_cell(spec.supernet.blocks, rng)
        if all(edge.operator in allowed for block in cell for edge in block.edges) and all(
            block.edges[0].input != block.edges[1].input for block in cell
        ):
            return cell


def random_network(spec: AutoDeepLabSpec, rng: random.Random) -> AutoDeepLab:
    """Draw a uniform cell and, independently, a uniform path."""
    path = sample_path(spec.supernet.layers, rng, spec.supernet.levels)
    return AutoDeepLab(blocks=random_cell(spec, rng), path=path)


def random_networks(spec: AutoDeepLabSpec, count: int, seed: int) -> list[Candidate]:
    """Draw `count` random networks."""
    rng = random.Random(seed)
    return [Candidate(f"random {index}", random_network(spec, rng)) for index in range(count)]


def ablations(spec: AutoDeepLabSpec, decoded: Candidate, count: int, seed: int) -> list[Candidate]:
    """Combine the decoded cell with random paths, and the decoded path with random cells."""
    rng = random.Random(seed)
    network, layers, levels = decoded.architecture, spec.supernet.layers, spec.supernet.levels
    paths = [AutoDeepLab(blocks=network.blocks, path=sample_path(layers, rng, levels)) for _ in range(count)]
    cells = [AutoDeepLab(blocks=random_cell(spec, rng), path=network.path) for _ in range(count)]
    of_paths = [Candidate(f"{decoded.origin}: its cell, random path {i}", each) for i, each in enumerate(paths)]
    return of_paths + [Candidate(f"{decoded.origin}: its path, random cell {i}", each) for i, each in enumerate(cells)]


@dataclass(frozen=True)
class Row:
    """A trained network and its score with each training seed."""

    candidate: Candidate
    scores: tuple[float, ...]
    parameters: int
    multiply_adds: int
    cpu_seconds: float

    @property
    def score(self) -> float:
        """Mean score over the training seeds."""
        return statistics.mean(self.scores)


class Bench:
    """Submits searches and trainings to the processes and collects their results."""

    def __init__(
        self, folder: WorkFolder, spec: AutoDeepLabSpec, seeds: Sequence[int], pool: ProcessPoolExecutor
    ) -> None:
        self._folder, self._spec, self._seeds, self._pool = folder, spec, seeds, pool

    def searches(self, seeds: Iterable[int]) -> dict[int, Future[dict[str, Any]]]:
        """Submit one search per seed."""
        return {seed: self._pool.submit(run_search, self._folder, self._spec, seed) for seed in seeds}

    def training(self, candidates: Iterable[Candidate]) -> list[tuple[Candidate, list[Future[dict[str, Any]]]]]:
        """Submit the training of each network with each training seed."""
        return [
            (each, [self._pool.submit(train, self._folder, self._spec, each.architecture, s) for s in self._seeds])
            for each in candidates
        ]

    def rows(self, waiting: Iterable[tuple[Candidate, list[Future[dict[str, Any]]]]]) -> list[Row]:
        """Wait for all trainings and make a row of each network."""
        return [self._row(candidate, [future.result() for future in futures]) for candidate, futures in waiting]

    def _row(self, candidate: Candidate, results: list[dict[str, Any]]) -> Row:
        return Row(
            candidate,
            tuple(result["score"] for result in results),
            results[0]["parameters"],
            results[0]["multiply_adds"],
            sum(result["cpu_seconds"] for result in results),
        )


def search_table(searches: dict[int, dict[str, Any]]) -> str:
    """Format the searches, one line per epoch."""
    lines = [
        "| search seed | epoch | supernet mIoU | entropy of alpha | of beta | path |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {seed} | {snapshot.epoch} | {snapshot.supernet_miou:.3f} | {snapshot.alpha_entropy:.3f} "
        f"| {snapshot.beta_entropy:.3f} | {_path(snapshot.architecture)} |"
        for seed, result in searches.items()
        for snapshot in map(Snapshot.model_validate, result["snapshots"])
    ]
    return "\n".join(lines)


def network_table(rows: Sequence[Row]) -> str:
    """Format all networks, best first."""
    lines = [
        "| network | mIoU | by seed | parameters | multiply-adds | path | cell |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.candidate.origin} | {row.score:.3f} | {', '.join(f'{score:.3f}' for score in row.scores)} "
        f"| {row.parameters:,} | {row.multiply_adds / 1e6:.0f} M | {_path(row.candidate.architecture)} "
        f"| {_cell(row.candidate.architecture)} |"
        for row in sorted(rows, key=lambda row: -row.score)
    ]
    return "\n".join(lines)


def _path(architecture: AutoDeepLab) -> str:
    return " ".join(map(str, architecture.path))


def _cell(architecture: AutoDeepLab) -> str:
    return "; ".join(
        " + ".join(f"{edge.operator}({edge.input})" for edge in block.edges) for block in architecture.blocks
    )


def verdict(decoded: Sequence[Row], uniform: Sequence[Row]) -> str:
    """Compare each decoded network with the random ones, in sentences."""
    scores = sorted(row.score for row in uniform)
    lines = [
        f"Random networks: {len(scores)}, mIoU {scores[0]:.3f} to {scores[-1]:.3f}, "
        f"median {statistics.median(scores):.3f}; {_noise([*decoded, *uniform])}."
    ]
    for row in decoded:
        rank = 1 + sum(score > row.score for score in scores)
        bigger = sum(other.multiply_adds > row.multiply_adds for other in uniform)
        ahead = row.score - statistics.median(scores)
        lines.append(
            f"{row.candidate.origin}: mIoU {row.score:.3f}, {ahead:+.3f} against the median, "
            f"rank {rank} of {len(scores) + 1}; {bigger} random networks have more multiply-adds."
        )
    return "\n".join(lines)


def _noise(rows: Sequence[Row]) -> str:
    if len(rows[0].scores) < 2:
        return "one training seed: noise not measured"
    pooled = statistics.mean(statistics.variance(row.scores) for row in rows) ** 0.5
    return f"standard deviation between training seeds {pooled:.3f}"


def run(arguments: argparse.Namespace, spec: AutoDeepLabSpec) -> None:
    """Search, train, print."""
    folder = WorkFolder(arguments.work.resolve())
    started = time.perf_counter()
    generate(folder.path / DATASET, IMAGES, 0, SIZE, VAL_IMAGES)
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        bench = Bench(folder, spec, arguments.train_seeds, pool)
        searching = bench.searches(arguments.search_seeds)
        uniform = bench.training(random_networks(spec, arguments.random, arguments.random_seed))
        searches = {seed: future.result() for seed, future in searching.items()}
        print(search_table(searches), flush=True)
        last = {seed: Snapshot.model_validate(result["snapshots"][-1]) for seed, result in searches.items()}
        networks = [Candidate(f"decoded, search seed {seed}", each.architecture) for seed, each in last.items()]
        decoded = bench.training(networks)
        others = [each for network in networks for each in ablations(spec, network, arguments.ablation, 1)]
        rest = bench.training(others)
        decoded_rows, uniform_rows, rest_rows = bench.rows(decoded), bench.rows(uniform), bench.rows(rest)
    print("\n" + network_table([*decoded_rows, *uniform_rows, *rest_rows]))
    print("\n" + verdict(decoded_rows, uniform_rows))
    search_seconds = ", ".join(f"{result['cpu_seconds']:.0f}" for result in searches.values())
    training = [row.cpu_seconds / len(row.scores) for row in [*decoded_rows, *uniform_rows, *rest_rows]]
    print(
        f"CPU seconds: {search_seconds} a search, {min(training):.0f} to {max(training):.0f} a training; "
        f"{time.perf_counter() - started:.0f} s in all, without results saved by an earlier run."
    )


def main() -> None:
    """Read the arguments and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/auto_deeplab_search"))
    parser.add_argument("--spec", type=Path, default=EXAMPLE, help="YAML of an auto_deeplab search with `scoring`")
    parser.add_argument("--search-seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--train-seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--random", type=int, default=8, help="how many uniform random networks")
    parser.add_argument("--random-seed", type=int, default=0, help="which random networks")
    parser.add_argument("--ablation", type=int, default=0, help="of each decoded network, N random paths and N cells")
    arguments = parser.parse_args()
    spec = AutoDeepLabSpec.model_validate(yaml.safe_load(arguments.spec.read_text("utf-8")))
    if spec.scoring is None or spec.bilevel.dataset != DATASET or spec.scoring.dataset != DATASET:
        parser.error(f"{arguments.spec} needs `scoring`, and data set {DATASET!r} in both places")
    torch.set_num_threads(1)
    run(arguments, spec)


if __name__ == "__main__":
    main()
