"""What Tune and the store cost a trial: searches whose trials measure nothing.

    python -m benchmarks.tune_overhead --trials 1000

Warm: one process per slot is kept (`reuse_workers`), as small trials want it. Cold: each trial starts a process. The
seconds of a warm trial are the slope between a short and a long search, so that neither the start of the driver nor
that of the first processes counts; both are given too. "Store" is the part of it that is spent in SQL.
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

from nas.measurement import Measurement
from nas.settings import Settings
from nas.spec import EarlyStopping, Fidelity, Resources, SearchSpec
from nas.store import Store
from nas.training.workspace import Workspace
from workers.local_ray import LocalRay
from workers.trial_task import TrialTask

RUNGS = (150, 300)


@dataclass(frozen=True)
class Run:
    """One search: trials, wall seconds, seconds in the store, resident MB of the driver at its end."""

    trials: int
    seconds: float
    store_seconds: float
    megabytes: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000, help="of the long search in warm processes")
    parser.add_argument("--cold-trials", type=int, default=12, help="of the search in a process per trial")
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
    short = max(arguments.trials // 10, 10)
    runs = {
        "warm": [_search(settings, n, arguments.concurrent, warm=True) for n in (short, arguments.trials)],
        "cold": [_search(settings, arguments.cold_trials, arguments.concurrent, warm=False)],
    }
    ray.shutdown()
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, Ray {ray.__version__}")
    print(f"{arguments.concurrent} trials at a time, {len(RUNGS)} rungs each; Ray itself started in {started:.1f} s\n")
    print(f"{'processes':10} {'trials':>7} {'seconds':>9} {'s/trial':>9} {'store s/trial':>14} {'driver MB':>10}")
    for kind, searches in runs.items():
        for run in searches:
            each, store = run.seconds / run.trials, run.store_seconds / run.trials
            print(f"{kind:10} {run.trials:7} {run.seconds:9.1f} {each:9.4f} {store:14.4f} {run.megabytes:10.0f}")
    few, many = runs["warm"]
    slope = (many.seconds - few.seconds) / (many.trials - few.trials)
    print(f"\noverhead of a warm trial: {slope:.4f} s (aim: below 0.15)")


def _search(settings: Settings, trials: int, concurrent: int, *, warm: bool) -> Run:
    from workers.search_run import run_search

    spec = SearchSpec(
        name=f"{'warm' if warm else 'cold'} {trials}",
        fidelity=Fidelity(dataset="none", rungs=RUNGS),
        trials=trials,
        early_stopping=EarlyStopping(reduction=3),
        resources=Resources(cpus=1, concurrent=concurrent, reuse_workers=warm),
    )
    with TimedStore.open(settings.store_url) as store:
        store.migrate()
        search_id = store.create_search(spec)[0].id
        attempt = store.begin_driver(search_id)
        workspace = Workspace({}, {}, settings.cache, settings.artifacts)
        store.seconds = 0.0
        began = time.perf_counter()
        end = run_search(store, search_id, attempt, workspace, trainable=_no_op(), prepare=lambda *_: True)
        seconds = time.perf_counter() - began
        assert str(end) == "completed", store.get_search(search_id).message
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e3 if sys.platform == "linux" else 1e6)
        return Run(trials, seconds, store.seconds, peak)


class TimedStore(Store):
    """A store that knows how long its transactions took."""

    seconds = 0.0

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        began = time.perf_counter()
        with super()._write() as connection:
            yield connection
        self.seconds += time.perf_counter() - began


def _no_op() -> type:
    """A trainable that measures nothing; made here, so that it travels to the trial's process by value."""
    from workers.trainable import Trainable

    class NoOp(Trainable):
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
