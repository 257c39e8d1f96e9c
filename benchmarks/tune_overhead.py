"""Overhead of Ray Tune and the store per trial, by searches whose trials train nothing.

    python -m benchmarks.tune_overhead --trials 1000

Warm searches reuse one process per slot (`reuse_workers`), as is best for small trials; in cold searches each trial
starts a process. The start of driver and first process is reported apart: the seconds of a trial are the time from the
end of the first trial to the end of the last, divided by the number of trials after the first. "Store" is the part of
these seconds that is spent in write transactions. The warm search is shown in tenths: a search of 28,000 trials must
cost as much a trial at its end as at its beginning, in time and in memory. "Driver MB" lie in the machine's memory; of
them "allocated" are in use by the allocator's count, libraries and Python's small objects left out.

This process is the driver, in the environment that Ray's nodes give their drivers.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from nas.results.measurement import Measurement
from nas.settings import Settings
from nas.specs import AshaStopping, BlackBoxSpec, Fidelity, Resources
from nas.store import Store
from nas.training.workspace import Workspace
from workers.cluster.local import LocalRay
from workers.cluster.node import node_environment
from workers.trainables.task import TrialTask

RUNGS = (150, 300)


@dataclass(frozen=True)
class Sample:
    """A driver after so many ended trials: wall seconds since it began, those in write transactions, resident MB, and
    MB that are allocated.
    """

    trials: int
    seconds: float
    store_seconds: float
    resident: float
    allocated: float


@dataclass(frozen=True)
class Run:
    """One search, with a sample at its first trial and at each tenth of its trials."""

    kind: str
    samples: list[Sample]


def main() -> None:
    """Measure both searches and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000, help="trials of the search in warm processes")
    parser.add_argument("--cold-trials", type=int, default=12, help="trials of the search with a process per trial")
    parser.add_argument("--concurrent", type=int, default=2)
    arguments = parser.parse_args()
    _become_a_driver()
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as home:  # short: Ray's sockets lie below it
        settings = Settings(home=Path(home), dashboard_port=0)
        began = time.perf_counter()
        local = LocalRay.start(settings)
        started = time.perf_counter() - began
        try:
            os.environ |= local.client_environment()
            _measure(local, settings, arguments, started)
        finally:
            local.stop()


def _become_a_driver() -> None:
    """Start this process anew with what it lacks of a node's variables: the allocator reads its own at the start."""
    missing = {name: value for name, value in node_environment().items() if name not in os.environ}
    if missing:
        os.environ.update(missing)
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.tune_overhead", *sys.argv[1:]])


def _measure(local: LocalRay, settings: Settings, arguments: argparse.Namespace, started: float) -> None:
    import ray

    ray.init(address=local.address, log_to_driver=False, logging_level="ERROR")
    try:
        runs = [
            _search(settings, arguments.trials, arguments.concurrent, warm=True),
            _search(settings, arguments.cold_trials, arguments.concurrent, warm=False),
        ]
    finally:
        ray.shutdown()  # before its cluster ends: Ray ends a process that has lost its cluster
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, Ray {ray.__version__}")
    print(f"{arguments.concurrent} trials at a time, {len(RUNGS)} rungs each; Ray itself started in {started:.1f} s\n")
    print("processes  trials  first trial, s  s/trial after it  of it store  driver MB  allocated")
    for run in runs:
        first, last = run.samples[0], run.samples[-1]
        print(f"{run.kind:9} {last.trials:7} {first.seconds:15.1f} {_between(first, last, 17)}")
    print("\nprocesses  to trial  s/trial  of it store  driver MB  allocated")
    for before, after in itertools.pairwise(runs[0].samples):
        print(f"{runs[0].kind:9} {after.trials:9} {_between(before, after, 8)}")
    print("\naim: below 0.15 s a trial in warm processes, the same at the end as at the beginning")


def _between(before: Sample, after: Sample, width: int) -> str:
    """Write seconds and store seconds a trial between two samples, and the memory at the later one, as a row's end."""
    trials = max(after.trials - before.trials, 1)
    seconds = (after.seconds - before.seconds) / trials
    store = (after.store_seconds - before.store_seconds) / trials
    return f"{seconds:{width}.4f} {store:12.4f} {after.resident:10.0f} {after.allocated:10.0f}"


def _search(settings: Settings, trials: int, concurrent: int, *, warm: bool) -> Run:
    from workers.driver.run import run_search

    spec = BlackBoxSpec(
        name=f"{'warm' if warm else 'cold'} {trials}",
        fidelity=Fidelity(dataset="none", rungs=RUNGS),
        trials=trials,
        early_stopping=AshaStopping(reduction=3),
        resources=Resources(cpus=1, concurrent=concurrent, reuse_workers=warm),
    )
    with TimedStore.open(settings.store_url) as store:
        store.migrate()
        search_id = store.create_search(spec)[0].id
        attempt = store.begin_driver(search_id)
        workspace = Workspace({}, {}, settings.cache, settings.artifacts)
        store.begin(trials)
        end = run_search(store, search_id, attempt, workspace, trial_process=_no_op(), prepare=lambda *_: True)
        assert str(end) == "completed", store.get_search(search_id).message
        return Run("warm" if warm else "cold", store.samples)


class TimedStore(Store):
    """A store that adds up the seconds of its write transactions, and takes samples of the process that it is in."""

    seconds = 0.0

    def begin(self, trials: int) -> None:
        """Start the clock of a search of so many trials."""
        self.seconds, self.ended, self.began = 0.0, 0, time.perf_counter()
        self.samples: list[Sample] = []
        self._at = {1, *(trials * tenth // 10 for tenth in range(1, 11))}

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        began = time.perf_counter()
        with super()._write() as connection:
            yield connection
        self.seconds += time.perf_counter() - began

    def finish_trial(self, *arguments: Any, **named: Any) -> None:
        """Finish a trial, and take a sample where one is due."""
        super().finish_trial(*arguments, **named)
        self.ended += 1
        if self.ended in self._at:
            elapsed = time.perf_counter() - self.began
            self.samples.append(Sample(self.ended, elapsed, self.seconds, _resident(), _allocated()))


class _Counts(ctypes.Structure):
    """What glibc's `mallinfo2` returns, in bytes or pieces."""

    _fields_ = [
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks")),
        *((name, ctypes.c_size_t) for name in ("uordblks", "fordblks", "keepcost")),
    ]


def _resident() -> float:
    """Megabytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _allocated() -> float:
    """Megabytes that glibc's allocator has given out and not got back; nan where the C library is another one."""
    count = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if count is None:
        return float("nan")
    count.restype = _Counts
    counts = count()
    return float(counts.uordblks + counts.hblkhd) / 1e6


def _no_op() -> type:
    """Make a trainable that trains nothing; a local class is pickled by value, as the trial's process needs it."""
    from workers.trainables.trial import TrialProcess

    class NoOp(TrialProcess):
        def evaluate(self, task: TrialTask) -> Iterator[Measurement]:
            score = int(task.architecture.key[:4], 16) / 65536
            for rung in task.fidelity.rungs:
                yield Measurement(
                    iteration=rung,
                    score=score,
                    class_iou=(score,) * 19,
                    train_loss=1.0,
                    val_loss=1.0,
                    seconds=0.0,
                    device_seconds=0.0,
                )

    return NoOp


if __name__ == "__main__":
    main()
