"""Simulated searches on a table, each reduced to the steps of its regret."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import nas.heads_bench
import nas.strategies
import search_spaces.dense_cell
import workers.simulation
from nas.heads_bench.replay import Replay
from nas.kinds.black_box import StrategyPlan
from nas.results.measurement import Measurement
from nas.specs import BlackBoxSpec, DenseCellSpace
from nas.store import Store
from nas.strategies.listed import ListedSpace
from search_spaces.base import content_key
from workers.simulation import VirtualClock, simulate
from workers.trainables.task import TrialTask

TOP = 0.01
"""Share of the cells that count as the best ones."""

NEVER = (math.inf, math.inf)


Identity: TypeAlias = tuple[str, int, int]
"""Name of the search, number of workers, seed."""


class Step(NamedTuple):
    """The state of a search from here on, until the next step.

    Attributes:
        trials: Trials that have ended.
        device_seconds: What these trials took.
        seconds: Virtual time since the search began.
        regret: Highest mean score of the cells minus that of the cell which the search calls the best.
    """

    trials: int
    device_seconds: float
    seconds: float
    regret: float


@dataclass(frozen=True)
class Run:
    """One simulated search.

    Attributes:
        steps: Where the regret changes; the last one is the end.
        measured: Trials and device-seconds until a cell of the best share was measured at the last rung; infinite
            where none was.
        returned: Likewise until the search called such a cell the best for good.
    """

    steps: tuple[Step, ...]
    measured: tuple[float, float]
    returned: tuple[float, float]


@dataclass(frozen=True)
class Job:
    """What to simulate: a search by its name, with so many workers and a seed."""

    name: str
    search: Mapping[str, Any]
    workers: int
    seed: int

    @property
    def identity(self) -> Identity:
        """Tells the jobs of a comparison apart."""
        return self.name, self.workers, self.seed


@dataclass(frozen=True)
class Arena:
    """Where searches are compared: a data set of a table, a space, the number of trials (None: as many as cells)."""

    table: str
    dataset: str
    space: DenseCellSpace
    trials: int | None

    def key(self, table_hash: str, job: Job) -> str:
        """Content hash of the job and all that its run depends on, the code of strategies and simulator included."""
        space = self.space.model_dump(mode="json")
        search = [job.name, dict(job.search), job.workers, job.seed]
        return content_key([table_hash, self.dataset, space, self.trials, search, _code()])


@cache
def _code() -> str:
    """Content hash of the modules that decide what a simulated search does, without comments and docstrings."""
    folders = [
        Path(str(package.__file__)).parent for package in (nas.strategies, search_spaces.dense_cell, workers.simulation)
    ]
    return content_key(
        [_statements(file.read_text("utf-8")) for folder in folders for file in sorted(folder.glob("*.py"))]
    )


def _statements(source: str) -> str:
    """Write a module's code without what nothing runs."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(part: ast.stmt) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)


class Track:
    """A table's data set and its cells, with a store in memory, in which one search after the other is simulated."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        table = nas.heads_bench.open(arena.table)
        self.replay = Replay(table, arena.dataset)
        self.space: ListedSpace = self.replay.space(arena.space)
        means = dict(zip((head.key for head in table.heads), table.means(arena.dataset).tolist(), strict=True))
        self.means: dict[str, float] = {cell.key: means[cell.key] for cell in self.space.listed}
        ordered = sorted(self.means.values(), reverse=True)
        self.best: float = ordered[0]
        self.good: float = ordered[max(1, math.floor(TOP * len(ordered))) - 1]
        self._clock = VirtualClock()
        self._store = Store.open("sqlite://", self._clock)
        self._store.migrate()

    def run(self, job: Job) -> Run:
        """Simulate a search."""
        spec = BlackBoxSpec.model_validate(
            {
                "name": job.name,
                "space": self._arena.space,
                "fidelity": self.replay.fidelity,
                "trials": self._arena.trials or len(self.means),
                "resources": {"concurrent": job.workers},
                "seed": job.seed,
                **job.search,
            }
        )
        self._clock.now = 0.0
        watcher = _Watcher(self, spec)
        plan = StrategyPlan(spec, space=self.space)
        simulate(self._store, self._clock, spec, plan, watcher.curve, watch=watcher)
        self._store.delete_search(watcher.search_id)
        return watcher.run()

    def called_best(self, search_id: str) -> str:
        """Return the key of the cell that heads the search's leaderboard."""
        best = self._store.best_trial(search_id)
        assert best is not None, "a trial has ended"
        return best.architecture_key


class _Watcher:
    """Follows one search: hands out measurements, and notes the regret whenever a trial ends."""

    def __init__(self, track: Track, spec: BlackBoxSpec) -> None:
        self._track = track
        self._last = spec.fidelity.iterations
        self._keys: dict[int, str] = {}
        self._steps: list[Step] = []
        self._device_seconds = 0.0
        self._trials = 0
        self._measured = self._returned = NEVER
        self.search_id = ""

    def curve(self, task: TrialTask) -> Sequence[Measurement]:
        self.search_id = task.search_id
        self._keys[task.number] = task.architecture.key
        return self._track.replay.curve(task.architecture, task.fidelity, task.seed)

    def __call__(self, now: float, number: int, measurement: Measurement, ends: bool) -> None:
        if not ends:
            return
        self._trials += 1
        self._device_seconds += measurement.device_seconds
        here = (float(self._trials), self._device_seconds)
        if measurement.iteration == self._last and self._is_good(self._keys[number]):
            self._measured = min(self._measured, here)
        best = self._track.called_best(self.search_id)
        self._returned = min(self._returned, here) if self._is_good(best) else NEVER
        step = Step(self._trials, self._device_seconds, now, self._track.best - self._track.means[best])
        if len(self._steps) > 1 and self._steps[-2].regret == self._steps[-1].regret:
            self._steps.pop()  # it was the end until now, and no change
        self._steps.append(step)

    def _is_good(self, key: str) -> bool:
        return self._track.means[key] >= self._track.good

    def run(self) -> Run:
        """What has become of the search, now that it is over."""
        return Run(tuple(self._steps), self._measured, self._returned)


def run_all(arena: Arena, jobs: Iterable[Job], file: Path, processes: int) -> dict[Identity, Run]:
    """Simulate searches on several processes; what the file of an earlier call has is not simulated again.

    Args:
        arena: Where to compare.
        jobs: What to simulate.
        file: JSON lines; each run is added when it is over.
        processes: How many at a time.
    """
    table_hash = nas.heads_bench.open(arena.table).hash
    wanted = {arena.key(table_hash, job): job for job in jobs}
    found = {wanted[key].identity: run for key, run in _read(file) if key in wanted}
    missing = {key: job for key, job in wanted.items() if job.identity not in found}
    file.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes, get_context("spawn"), _start, (arena,)) as pool, file.open("a") as lines:
        futures = {pool.submit(_run, job): key for key, job in missing.items()}
        for done, future in enumerate(as_completed(futures), 1):
            key, run = futures[future], future.result()
            found[missing[key].identity] = run
            lines.write("\n" + json.dumps({"key": key, "job": vars(missing[key]), **vars(run)}))
            lines.flush()
            print(f"\r{done} of {len(futures)} searches", end="", flush=True)
    print()
    return found


_track: Track | None = None
"""Of this process."""


def _start(arena: Arena) -> None:
    global _track  # noqa: PLW0603  a process of the pool has one
    _track = Track(arena)


def _run(job: Job) -> Run:
    assert _track is not None, "the pool starts its processes by _start"
    return _track.run(job)


def _read(file: Path) -> Iterable[tuple[str, Run]]:
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # empty, or cut off when an earlier call was killed
        steps = tuple(Step(*step) for step in row["steps"])
        yield row["key"], Run(steps, tuple(row["measured"]), tuple(row["returned"]))
