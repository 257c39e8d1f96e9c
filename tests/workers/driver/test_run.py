"""Searches in a real Ray, with trials that measure a toy: what happens when things end well, badly, or suddenly."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from nas.results.measurement import TrialError
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import HyperbandStopping, Resources
from nas.strategies import early_stopper
from nas.strategies.stopping.hyperband import Hyperband
from nas.training.workspace import Workspace
from tests.builders import measured
from tests.workers.conftest import begin
from workers.driver.free_memory import FreeMemory
from workers.driver.run import Interrupted, run_search
from workers.trainables.trial import TrialProcess

pytestmark = pytest.mark.usefixtures("travels_by_value")


COUNTS = {"completed": TrialStatus.COMPLETED, "pruned": TrialStatus.PRUNED, "failed": TrialStatus.FAILED}


class Toy(TrialProcess):
    """Scores an architecture by its key, remembers in a file how often each rung was measured, and may misbehave."""

    def evaluate(self, task):
        task.folder.mkdir(parents=True, exist_ok=True)
        kept = task.checkpoint
        done = [int(rung) for rung in kept.read_text().split()] if kept.exists() else []
        for rung in task.fidelity.rungs:
            if rung not in done:
                self.misbehave(task, rung)
                done.append(rung)
                kept.write_text(" ".join(map(str, done)))
                with (task.workspace.cache / "measured").open("a") as book:
                    book.write(f"{task.number} {rung} {os.getpid()}\n")
            score = int(task.architecture.key[:4], 16) / 65536
            yield measured(rung, score)

    def misbehave(self, task, rung):
        """A subclass's chance."""


class Slow(Toy):
    def misbehave(self, task, rung):
        time.sleep(0.3)


class Troubled(Toy):
    """0: its process dies every time; 1: a bug; 2: cannot be measured; 3: its process dies once, at the second rung."""

    def misbehave(self, task, rung):
        if task.number == 0 or (task.number == 3 and rung == 20 and task.attempt == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if task.number == 1:
            raise ZeroDivisionError("a bug\nwith a second line")
        if task.number == 2 and rung == 20:
            raise TrialError("the loss is NaN at step 20")


class RunOutOfMemory(Toy):
    """As when Ray's memory monitor ends the process: an error that is no RayActorError."""

    def misbehave(self, task, rung):
        if task.number == 0 and task.attempt == 1:
            (task.workspace.cache / "pid").write_text(str(os.getpid()))
            time.sleep(60)


def nothing_to_prepare(*_: object) -> bool:
    return True


run = functools.partial(run_search, prepare=nothing_to_prepare)


def measured_rungs(workspace: Workspace) -> list[tuple[int, int, int]]:
    """(trial, rung, process) of every measurement that was made, whether it was recorded or not."""
    lines = (workspace.cache / "measured").read_text().splitlines()
    return [(int(trial), int(rung), int(process)) for trial, rung, process in map(str.split, lines)]


def until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_a_search_in_warm_processes(running_ray, store, workspace, spec_of, monkeypatch):
    search_id, attempt = begin(store, spec_of(name="warm search"))
    returns: list[int] = []
    hurried = FreeMemory(
        lambda: returns.append(store.overview(search_id).trials[TrialStatus.RUNNING]), itertools.count(step=60).__next__
    )
    monkeypatch.setattr(FreeMemory, "of_this_process", lambda: hurried)
    assert run(store, search_id, attempt, workspace, trial_process=Toy) is SearchStatus.COMPLETED
    assert any(returns), "memory is given back while trials run"
    counts = store.overview(search_id).trials
    assert counts[TrialStatus.COMPLETED] + counts[TrialStatus.PRUNED] == 12
    assert counts[TrialStatus.PRUNED] > 0
    recorded = {(number, m.iteration) for number, curve in store.measurements(search_id).items() for m in curve}
    made = measured_rungs(workspace)
    assert {(number, rung) for number, rung, _ in made} == recorded
    assert len(made) == len(recorded)
    assert len({process for *_, process in made}) <= 2
    assert not (workspace.artifacts / search_id).exists()
    named = {f"warm search: trial {number}.train" for number in range(12)}
    until(lambda: named <= task_names(running_ray))  # Ray collects them every second
    assert "warm search: worker since trial 0" in actor_names(running_ray)


def test_hyperband_stops_each_bracket_from_its_rung_on(running_ray, store, workspace, spec_of):
    rule = HyperbandStopping(name="hyperband", reduction=2)
    spec = spec_of(name="brackets", trials=16, early_stopping=rule)
    search_id, attempt = begin(store, spec)
    assert run(store, search_id, attempt, workspace, trial_process=Toy) is SearchStatus.COMPLETED
    stopper = early_stopper(spec)
    assert isinstance(stopper, Hyperband)
    trials = store.all_trials(search_id)
    ends = {(stopper.bracket(trial.number), trial.iteration, str(trial.status)) for trial in trials}
    # Bracket b stops nothing at the first b rungs; 40 is the last.
    assert ends <= {(0, 10, "pruned"), (0, 20, "pruned"), (1, 20, "pruned"), *((b, 40, "completed") for b in range(3))}
    assert {(0, 10, "pruned"), (2, 40, "completed")} <= ends
    late = [trial for trial in trials if stopper.bracket(trial.number) == 2]
    assert [trial.unjudged_iteration for trial in late] == [10] * len(late), "in the last bracket nobody is judged"


def test_every_trial_in_a_process_of_its_name(running_ray, store, workspace, spec_of):
    search_id, attempt = begin(store, spec_of(name="cold search", trials=2, resources=Resources(reuse_workers=False)))
    assert run(store, search_id, attempt, workspace, trial_process=Toy) is SearchStatus.COMPLETED
    assert {"cold search: trial 0", "cold search: trial 1"} <= actor_names(running_ray)
    processes = {(number, process) for number, _, process in measured_rungs(workspace)}
    assert len({process for _, process in processes}) == 2


def test_bad_trials_and_killed_processes_do_not_end_the_search(running_ray, store, workspace, spec_of):
    search_id, attempt = begin(store, spec_of(trials=6, early_stopping=None))
    assert run(store, search_id, attempt, workspace, trial_process=Troubled) is SearchStatus.COMPLETED
    died, buggy, unmeasurable, killed, *fine = store.all_trials(search_id)
    assert (died.status, died.reason, died.attempt) == (TrialStatus.FAILED, "its process died 2 times", 2)
    assert (buggy.status, buggy.reason, buggy.attempt) == (TrialStatus.FAILED, "ZeroDivisionError: a bug", 1)
    assert (unmeasurable.status, unmeasurable.reason) == (TrialStatus.FAILED, "the loss is NaN at step 20")
    assert unmeasurable.iteration == 10
    assert (killed.status, killed.attempt) == (TrialStatus.COMPLETED, 2)
    assert {(trial.status, trial.attempt) for trial in fine} == {(TrialStatus.COMPLETED, 1)}
    assert len(fine) == 2
    # The new process went on from the checkpoint: no rung was measured twice.
    assert [rung for number, rung, _ in measured_rungs(workspace) if number == 3] == [10, 20, 40]


def test_a_process_ended_for_want_of_memory_is_a_process_that_died(running_ray, store, workspace, spec_of):
    """Ray then raises OutOfMemoryError, which Tune does not know: it would end the whole search."""
    from ray.exceptions import OutOfMemoryError, RayTaskError

    from workers.tune.controller import TrialActors

    seen = TrialActors._actor_task_failed

    def out_of_memory(self, tracked_actor_task, exception) -> None:
        if not isinstance(exception, RayTaskError):
            exception = OutOfMemoryError("the node was low on memory")
        seen(self, tracked_actor_task, exception)

    search_id, attempt = begin(store, spec_of(trials=1, early_stopping=None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrialActors, "_actor_task_failed", out_of_memory)
        killer = threading.Thread(target=kill_when_written, args=(workspace.cache / "pid",))
        killer.start()
        assert run(store, search_id, attempt, workspace, trial_process=RunOutOfMemory) is SearchStatus.COMPLETED
        killer.join()
    assert store.get_trial(search_id, 0).attempt == 2


def test_stopped_within_seconds_keeping_what_was_measured(running_ray, store, workspace, spec_of):
    search_id, attempt = begin(store, spec_of(trials=1000, early_stopping=None))
    stopped_at = []

    def stop() -> None:
        until(lambda: store.overview(search_id).trials[TrialStatus.COMPLETED] >= 2)
        store.move_search(search_id, [SearchStatus.RUNNING], SearchStatus.STOPPING)
        stopped_at.append(time.monotonic())

    stopper = threading.Thread(target=stop)
    stopper.start()
    assert run(store, search_id, attempt, workspace, trial_process=Slow) is SearchStatus.STOPPED
    stopper.join()
    assert time.monotonic() - stopped_at[0] < 5
    counts = store.overview(search_id).trials
    assert counts[TrialStatus.RUNNING] == 0
    assert counts[TrialStatus.STOPPED] >= 1
    assert counts[TrialStatus.COMPLETED] >= 2
    trial_processes = {process for *_, process in measured_rungs(workspace)}
    until(lambda: not any(alive(process) for process in trial_processes), 10)


def test_the_next_driver_goes_on_where_the_last_one_was(running_ray, store, workspace, spec_of):
    search_id, attempt = begin(store, spec_of(trials=6, early_stopping=None))

    def two_are_done() -> bool:
        return store.overview(search_id).trials[TrialStatus.COMPLETED] >= 2

    with pytest.raises(Interrupted):
        run(store, search_id, attempt, workspace, trial_process=Slow, interrupted=two_are_done)
    before = store.all_trials(search_id)
    in_flight = [trial for trial in before if trial.status is TrialStatus.RUNNING]
    assert 1 <= len(in_flight) <= 2
    store.requeue_search(search_id, attempt, 0.0, "the driver was lost")
    attempt = store.begin_driver(search_id)
    assert run(store, search_id, attempt, workspace, trial_process=Slow) is SearchStatus.COMPLETED
    after = store.all_trials(search_id)
    assert [trial.number for trial in after] == list(range(6))
    assert [trial for trial in after if trial.attempt == 1 and trial in before] == [
        trial for trial in before if trial.status.terminal
    ]
    assert {trial.number for trial in after if trial.attempt == 2} == {trial.number for trial in in_flight}
    made = [(number, rung) for number, rung, _ in measured_rungs(workspace)]
    assert sorted(set(made)) == [(number, rung) for number in range(6) for rung in (10, 20, 40)]
    # Only a rung under way when the driver ended is measured again; whatever was recorded is not.
    recorded = {(number, m.iteration) for number, curve in store.measurements(search_id).items() for m in curve}
    assert recorded == set(made)
    assert len(made) - len(recorded) <= len(in_flight)


def task_names(running_ray) -> set[str]:
    from ray.util.state import list_tasks

    return {task.name for task in list_tasks(running_ray.local.dashboard_url, limit=10_000)}


def actor_names(running_ray) -> set[str]:
    from ray.util.state import list_actors

    return {actor.repr_name for actor in list_actors(running_ray.local.dashboard_url, limit=1000, detail=True)}


def kill_when_written(path: Path) -> None:
    until(lambda: path.exists() and path.read_text())
    os.kill(int(path.read_text()), signal.SIGKILL)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
