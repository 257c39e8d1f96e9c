"""One trial in two processes, in a real Ray Train: as it should go, with one of them killed, and stopped."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import ray
from ray.exceptions import ActorDiedError
from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError

from nas.results.measurement import Measurement, TrialError
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BackboneSpec, Fidelity, HeadSpec, Resources
from nas.training.workspace import Workspace
from tests.workers.conftest import begin
from workers.driver.run import run_search
from workers.trainables.group_workers import cause_of
from workers.trainables.message import Bug, Died, Failed
from workers.trainables.process import share_of

TWO = Resources(cpus=2, workers=2, concurrent=1)
FIDELITY = Fidelity(
    dataset="tiny",
    backbone=BackboneSpec(width=0.25, blocks=5, output_stride=8, warmup_iterations=4),
    head=HeadSpec(channels=8, rate_multiplier=1),
    crop=(64, 128),
    rungs=(4, 400),
    batch=4,
    label_stride=8,
)

OURS = {"TrialProcess", "Training", "TrainController", "SynchronizationActor", "RayTrainWorker"}
"""Processes of a trial; Ray Train also keeps one for the whole cluster, which stays."""


@pytest.fixture
def workspace(running_ray, tmp_path) -> Workspace:
    return Workspace(running_ray.settings.datasets, {}, tmp_path / "cache", tmp_path / "artifacts")


def until(condition, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def actors(running_ray, state: str = "ALIVE"):
    from ray.util.state import list_actors

    filters = [("state", "=", state)]
    return list_actors(running_ray.local.dashboard_url, limit=1000, detail=True, filters=filters)


def workers(running_ray) -> list[int]:
    return [actor.pid for actor in actors(running_ray) if actor.class_name == "RayTrainWorker"]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_trial_in_two_processes_goes_on_after_one_was_killed(running_ray, store, workspace, spec_of):
    """The same search is then begun again and stopped under way: no process is left."""
    spec = spec_of(name="together", fidelity=FIDELITY, trials=1, early_stopping=None, resources=TWO)
    search_id, attempt = begin(store, spec)
    names: set[str] = set()
    pids: list[int] = []
    measured: list[Measurement] = []

    def kill_one() -> None:
        until(lambda: store.measurements(search_id).get(0))
        names.update(actor.repr_name for actor in actors(running_ray))
        pids.extend(workers(running_ray))
        measured.extend(store.measurements(search_id)[0])
        os.kill(pids[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    assert run_search(store, search_id, attempt, workspace) is SearchStatus.COMPLETED
    killer.join()
    assert len(pids) == 2
    assert {"together: worker since trial 0", "together: trial 0: 2 processes"} <= names
    (trial,) = store.all_trials(search_id)
    assert (trial.status, trial.attempt) == (TrialStatus.COMPLETED, 2)
    first, last = store.measurements(search_id)[0]
    assert (first, last.iteration) == (measured[0], 400)
    assert last.seconds > first.seconds
    seen = store.predictions(search_id, 0)
    assert seen is not None
    assert (seen.iteration, len(seen.maps)) == (400, 4)
    assert last.device_seconds == pytest.approx(2 * last.seconds)
    until(lambda: not any(map(alive, pids)), 20)

    search_id, attempt = begin(store, spec.model_copy(update={"seed": 1}))
    going: list[int] = []

    def stop() -> None:
        until(lambda: store.measurements(search_id).get(0))
        going.extend(actor.pid for actor in actors(running_ray) if actor.class_name in OURS)
        store.move_search(search_id, [SearchStatus.RUNNING], SearchStatus.STOPPING)

    stopper = threading.Thread(target=stop)
    stopper.start()
    assert run_search(store, search_id, attempt, workspace) is SearchStatus.STOPPED
    stopper.join()
    assert len(going) == 6
    until(lambda: not any(map(alive, going)), 20)
    until(lambda: ray.available_resources().get("CPU") == ray.cluster_resources()["CPU"], 20)


def test_a_process_takes_its_share():
    assert share_of(Resources(cpus=4, gpus=2, workers=2)) == {"CPU": 2.0, "GPU": 1.0}
    assert share_of(Resources(cpus=3, gpus=0.5)) == {"CPU": 3.0, "GPU": 0.5}
    assert share_of(Resources(cpus=1, workers=2)) == {"CPU": 0.5}


def test_one_cause_for_what_several_processes_met():
    dead = WorkerHealthCheckFailedError("a health check failed", ActorDiedError())
    lost = RuntimeError("[gloo/transport/tcp/pair.cc:538] Connection closed by peer [127.0.0.1]:4000")
    bug, unmeasurable = ZeroDivisionError("a bug"), TrialError("the loss is not finite")
    assert isinstance(cause_of(2, [lost, dead]), Died)
    assert cause_of(2, [lost]) == Died(attempt=2, reason=str(lost))
    assert cause_of(2, [lost, bug]) == Bug(attempt=2, error=bug)
    assert isinstance(cause_of(2, [RuntimeError("expected a tensor")]), Bug)
    assert cause_of(2, [lost, unmeasurable]) == Failed(attempt=2, reason="the loss is not finite")
