"""Does the differentiable search do something? What it decodes against random networks of the same space.

    python -m benchmarks.auto_deeplab_search [--search-seeds 0] [--random 8] [--train-seeds 0] [--ablation 0]

The search of examples/auto_deeplab.yaml runs on generated scenes, once per search seed. What it decodes at the end and
`--random` uniform networks are then trained alike, at the spec's `scoring` fidelity, with each of the training seeds.
Random networks are uniform over what decoding could give: the same number of layers, levels and blocks, two different
states into each block, the spec's operators without none, all paths of the trellis. With `--ablation N` also N networks
with the decoded cell on random paths, and N with random cells on the decoded path.

Two processes of one thread each. Every result is written to the work folder as it ends, and a second run goes on from
there. About five minutes on two free cores.
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
    """A network to train, and where it comes from."""

    origin: str
    architecture: AutoDeepLab


@dataclass(frozen=True)
class Place:
    """What a worker process needs to find data and results."""

    work: Path

    def workspace(self) -> Workspace:
        """The scenes, and a cache in the work folder."""
        entry = DatasetEntry(layout="cityscapes", root=self.work / DATASET)
        return Workspace({DATASET: entry}, {}, self.work / "cache", self.work / "artifacts")

    def kept(self, kind: str, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of that key in the work folder, made now unless it is there."""
        path = self.work / kind / f"{key}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            started = time.process_time()
            made = {**make(), "cpu_seconds": time.process_time() - started}
            path.write_text(json.dumps(made), encoding="utf-8")
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return result


def searched(place: Place, spec: AutoDeepLabSpec, seed: int) -> dict[str, Any]:
    """All snapshots of one search."""
    torch.set_num_threads(1)
    workspace = place.workspace()

    def make() -> dict[str, Any]:
        run = search(spec, seed, workspace=workspace, device="cpu")
        return {"snapshots": [snapshot.model_dump(mode="json") for snapshot in run]}

    return place.kept("searches", content_key([spec.run_key, workspace.dataset(DATASET).key, seed]), make)


def trained(place: Place, spec: AutoDeepLabSpec, architecture: AutoDeepLab, seed: int) -> dict[str, Any]:
    """The score of one network at the spec's scoring fidelity."""
    fidelity = spec.scoring
    assert fidelity is not None, "main() has looked"
    workspace = place.workspace()

    def make() -> dict[str, Any]:
        run = evaluate(architecture, fidelity, seed, workspace=workspace, device="cpu", threads=1)
        return list(run)[-1].model_dump(mode="json", include={"score", "parameters", "multiply_adds"})

    key = content_key([architecture.key, fidelity.key, workspace.dataset(DATASET).key, seed])
    return place.kept("trainings", key, make)


def random_cell(spec: AutoDeepLabSpec, rng: random.Random) -> tuple[Block, ...]:
    """Uniform over the cells that decoding can give: by rejection from the larger space."""
    allowed: set[Operator] = set(spec.supernet.operators) - {NONE}
    while True:
        cell = sample_cell(spec.supernet.blocks, rng)
        if all(edge.operator in allowed for block in cell for edge in block.edges) and all(
            block.edges[0].input != block.edges[1].input for block in cell
        ):
            return cell


def random_network(spec: AutoDeepLabSpec, rng: random.Random) -> AutoDeepLab:
    """A uniform cell and, apart from it, a uniform path."""
    path = sample_path(spec.supernet.layers, rng, spec.supernet.levels)
    return AutoDeepLab(blocks=random_cell(spec, rng), path=path)


def random_networks(spec: AutoDeepLabSpec, count: int, seed: int) -> list[Candidate]:
    """The first `count` of a seed."""
    rng = random.Random(seed)
    return [Candidate(f"random {index}", random_network(spec, rng)) for index in range(count)]


def ablations(spec: AutoDeepLabSpec, decoded: Candidate, count: int, seed: int) -> list[Candidate]:
    """The decoded cell on random paths and the decoded path with random cells."""
    rng = random.Random(seed)
    found, layers, levels = decoded.architecture, spec.supernet.layers, spec.supernet.levels
    paths = [AutoDeepLab(blocks=found.blocks, path=sample_path(layers, rng, levels)) for _ in range(count)]
    cells = [AutoDeepLab(blocks=random_cell(spec, rng), path=found.path) for _ in range(count)]
    of_paths = [Candidate(f"{decoded.origin}: its cell, random path {i}", network) for i, network in enumerate(paths)]
    return of_paths + [
        Candidate(f"{decoded.origin}: its path, random cell {i}", network) for i, network in enumerate(cells)
    ]


@dataclass(frozen=True)
class Row:
    """A trained network: its score with each training seed."""

    candidate: Candidate
    scores: tuple[float, ...]
    parameters: int
    multiply_adds: int
    cpu_seconds: float

    @property
    def score(self) -> float:
        """Mean over the training seeds."""
        return statistics.mean(self.scores)


class Bench:
    """Submits work to the processes and collects rows."""

    def __init__(self, place: Place, spec: AutoDeepLabSpec, seeds: Sequence[int], pool: ProcessPoolExecutor) -> None:
        self._place, self._spec, self._seeds, self._pool = place, spec, seeds, pool

    def searches(self, seeds: Iterable[int]) -> dict[int, Future[dict[str, Any]]]:
        """One search a seed."""
        return {seed: self._pool.submit(searched, self._place, self._spec, seed) for seed in seeds}

    def training(self, candidates: Iterable[Candidate]) -> list[tuple[Candidate, list[Future[dict[str, Any]]]]]:
        """Each network with each training seed."""
        return [
            (each, [self._pool.submit(trained, self._place, self._spec, each.architecture, s) for s in self._seeds])
            for each in candidates
        ]

    def rows(self, waiting: Iterable[tuple[Candidate, list[Future[dict[str, Any]]]]]) -> list[Row]:
        """Waits for all of it."""
        return [self._row(candidate, [future.result() for future in futures]) for candidate, futures in waiting]

    def _row(self, candidate: Candidate, results: list[dict[str, Any]]) -> Row:
        return Row(
            candidate,
            tuple(result["score"] for result in results),
            results[0]["parameters"],
            results[0]["multiply_adds"],
            sum(result["cpu_seconds"] for result in results),
        )


def search_table(found: dict[int, dict[str, Any]]) -> str:
    """One line an epoch."""
    lines = [
        "| search seed | epoch | supernet mIoU | entropy of alpha | of beta | path |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {seed} | {snapshot.epoch} | {snapshot.supernet_miou:.3f} | {snapshot.alpha_entropy:.3f} "
        f"| {snapshot.beta_entropy:.3f} | {_path(snapshot.architecture)} |"
        for seed, result in found.items()
        for snapshot in map(Snapshot.model_validate, result["snapshots"])
    ]
    return "\n".join(lines)


def network_table(rows: Sequence[Row]) -> str:
    """All networks, best first."""
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
    """Where each decoded network stands among the random ones."""
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
    place = Place(arguments.work.resolve())
    started = time.perf_counter()
    generate(place.work / DATASET, IMAGES, 0, SIZE, VAL_IMAGES)
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        bench = Bench(place, spec, arguments.train_seeds, pool)
        searches = bench.searches(arguments.search_seeds)
        uniform = bench.training(random_networks(spec, arguments.random, arguments.random_seed))
        found = {seed: future.result() for seed, future in searches.items()}
        print(search_table(found), flush=True)
        last = {seed: Snapshot.model_validate(result["snapshots"][-1]) for seed, result in found.items()}
        networks = [Candidate(f"decoded, search seed {seed}", each.architecture) for seed, each in last.items()]
        decoded = bench.training(networks)
        others = [each for network in networks for each in ablations(spec, network, arguments.ablation, 1)]
        rest = bench.training(others)
        decoded_rows, uniform_rows, rest_rows = bench.rows(decoded), bench.rows(uniform), bench.rows(rest)
    print("\n" + network_table([*decoded_rows, *uniform_rows, *rest_rows]))
    print("\n" + verdict(decoded_rows, uniform_rows))
    searching = ", ".join(f"{result['cpu_seconds']:.0f}" for result in found.values())
    training = [row.cpu_seconds / len(row.scores) for row in [*decoded_rows, *uniform_rows, *rest_rows]]
    print(
        f"CPU seconds: {searching} a search, {min(training):.0f} to {max(training):.0f} a training; "
        f"{time.perf_counter() - started:.0f} s in all, less what was kept from an earlier run."
    )


def main() -> None:
    """Read arguments and run."""
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
