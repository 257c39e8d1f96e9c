"""Overhead of Ray Tune and the store per trial, by searches whose trials train nothing.

    python -m benchmarks.tune_overhead --trials 1000

Warm searches reuse one process per slot (`reuse_workers`), as is best for small trials; in cold searches each trial
starts a process. The start of driver and first process is reported apart: the seconds of a trial are the time from the
end of the first trial to the end of the last, divided by the number of trials after the first. "Store" is the part of
these seconds that is spent in write transactions.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from nas.results.measurement import Measurement
from nas.settings import Settings
from nas.specs import AshaStopping, BlackBoxSpec, Fidelity, Resources
from nas.store import Store
from nas.training.workspace import Workspace
from workers.cluster.local import LocalRay
from workers.trainables.task import TrialTask

RUNGS = (150, 300)


@dataclass(frozen=True)
class Run:
    """The result of one search.

    Attributes:
        to_first: Wall seconds to the end of the first trial.
        each: Wall seconds per trial after the first.
        store_each: Seconds per trial in write transactions.
        megabytes: Peak resident memory of the driver.
    """

    kind: str
    trials: int
    to_first: float
    each: float
    store_each: float
    megabytes: float


def main() -> None:
    """Measure both searches and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000, help="trials of the search in warm processes")
    parser.add_argument("--cold-trials", type=int, default=12, help="trials of the search with a process per trial")
    parser.add_argument("--concurrent", type=int, default=2)
    arguments = parser.parse_args()
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


def _measure(local: LocalRay, settings: Settings, arguments: argparse.Namespace, started: float) -> None:
    import ray

    ray.init(address=local.address, log_to_driver=False, logging_level="ERROR")
    runs = [
        _search(settings, arguments.trials, arguments.concurrent, warm=True),
        _search(settings, arguments.cold_trials, arguments.concurrent, warm=False),
    ]
    ray.shutdown()
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, Ray {ray.__version__}")
    print(f"{arguments.concurrent} trials at a time, {len(RUNGS)} rungs each; Ray itself started in {started:.1f} s\n")
    print("processes  trials  first trial, s  s/trial after it  of it store  driver MB")
    for run in runs:
        row = f"{run.kind:9} {run.trials:7} {run.to_first:15.1f} {run.each:17.4f} {run.store_each:12.4f}"
        print(f"{row} {run.megabytes:10.0f}")
    print("\naim: below 0.15 s a trial in warm processes")


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
        store.seconds = 0.0
        began = time.time()  # the store's clock, as `ends` below
        end = run_search(store, search_id, attempt, workspace, trial_process=_no_op(), prepare=lambda *_: True)
        assert str(end) == "completed", store.get_search(search_id).message
        ends = sorted(trial.finished_at or 0.0 for trial in store.all_trials(search_id))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e3 if sys.platform == "linux" else 1e6)
        return Run(
            kind="warm" if warm else "cold",
            trials=trials,
            to_first=ends[0] - began,
            each=(ends[-1] - ends[0]) / (trials - 1),
            store_each=store.seconds / trials,
            megabytes=peak,
        )


class TimedStore(Store):
    """A store that adds up the seconds of its write transactions."""

    seconds = 0.0

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        began = time.perf_counter()
        with super()._write() as connection:
            yield connection
        self.seconds += time.perf_counter() - began


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
