"""Processes of trials and runs killed with SIGKILL in a real Ray, at any moment of their lives: each counts once."""

from __future__ import annotations

import functools
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from nas.kinds.registry import kind_of
from nas.results.snapshot import Snapshot
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec, Resources
from nas.store import RunRecord, TrialRecord
from nas.training.workspace import Workspace
from tests.builders import measured
from tests.workers.conftest import begin
from workers.driver.record import DriverRecord
from workers.driver.run import Interrupted, run_search
from workers.driver.trial_book import TrialBook
from workers.trainables.run import RunProcess
from workers.trainables.trial import TrialProcess

pytestmark = pytest.mark.usefixtures("travels_by_value")


def once(task: Any, name: str) -> bool:
    """Whether this is the first call with the name, of all processes of the search."""
    try:
        (task.workspace.cache / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


class Toy(TrialProcess):
    """Notes which process measures which trial."""

    def evaluate(self, task):
        for rung in task.fidelity.rungs:
            self.at(task, rung)
            with (task.workspace.cache / "measured").open("a") as book:
                book.write(f"{task.number} {rung} {os.getpid()}\n")
            yield measured(rung, 0.5)

    def at(self, task, rung):
        """A subclass's chance to misbehave while it trains."""


class DiesBetweenTrials(Toy):
    """Its process dies while it is given trial 2, cannot be given trial 3, and dies while it is taken down."""

    def reset_config(self, new_config):
        if new_config["task"].number == 2 and once(new_config["task"], "reset 2"):
            die()
        if new_config["task"].number == 3 and once(new_config["task"], "reset 3"):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return super().reset_config(new_config)

    def cleanup(self):
        if self._task.number == 4 and once(self._task, "cleanup 4"):
            die()
        super().cleanup()


class DiesInTrials(Toy):
    """0: dies whenever it trains; 1: as it starts, then as it trains."""

    def setup(self, config):
        if config["task"].number == 1 and config["task"].attempt == 1:
            die()
        super().setup(config)

    def at(self, task, rung):
        if task.number == 0 or (task.number == 1 and task.attempt == 2):
            die()


class DiesInRuns(RunProcess):
    """Run 0 dies whenever it searches; every other run is over after the snapshot that lies in the cache."""

    def search(self, task):
        with (task.workspace.cache / "searched").open("a") as book:
            book.write(f"{task.number} {task.attempt}\n")
        if task.number == 0:
            die()
        yield Snapshot.model_validate_json((task.workspace.cache / "snapshot.json").read_text())


class Brief(Toy):
    def at(self, task, rung):
        time.sleep(0.1)


run = functools.partial(run_search, prepare=lambda *_: True)


def until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def processes(workspace: Workspace) -> dict[int, int]:
    """The process that measured each trial last."""
    lines = (workspace.cache / "measured").read_text().splitlines()
    return {int(number): int(process) for number, _, process in map(str.split, lines)}


def summary(trial: TrialRecord) -> tuple[TrialStatus, int, str | None]:
    return trial.status, trial.attempt, trial.reason


def test_a_process_that_dies_between_two_trials_costs_neither_of_them(store, workspace, spec_of, monkeypatch):
    """Idle, being reset, being taken down: no trial is charged, though none has a retry."""
    launch = TrialBook.launch

    def killing_the_idle_one(book: TrialBook) -> Any:
        task = launch(book)
        if task is not None and task.number == 1:
            idle = processes(workspace)[0]
            os.kill(idle, signal.SIGKILL)
            until(lambda: not alive(idle))
        return task

    monkeypatch.setattr(TrialBook, "launch", killing_the_idle_one)
    one_process = Resources(cpus=1, concurrent=1)
    search_id, attempt = begin(store, spec_of(trials=5, early_stopping=None, retries=0, resources=one_process))
    assert run(store, search_id, attempt, workspace, trial_process=DiesBetweenTrials) is SearchStatus.COMPLETED
    assert [summary(trial) for trial in store.all_trials(search_id)] == [(TrialStatus.COMPLETED, 1, None)] * 5
    by_trial = processes(workspace)
    assert len(set(by_trial.values())) == 4, "a new one for each of trials 1, 2 and 3; trial 4 follows in a warm one"
    assert by_trial[4] == by_trial[3]
    assert (workspace.cache / "cleanup 4").exists()


def test_two_retries_are_two_new_attempts(store, workspace, spec_of):
    """Of trials whose processes die as they start or train, two at once."""
    search_id, attempt = begin(store, spec_of(trials=3, early_stopping=None, retries=2))
    assert run(store, search_id, attempt, workspace, trial_process=DiesInTrials) is SearchStatus.COMPLETED
    assert [summary(trial) for trial in store.all_trials(search_id)] == [
        (TrialStatus.FAILED, 3, "its process died 3 times"),
        (TrialStatus.COMPLETED, 3, None),
        (TrialStatus.COMPLETED, 1, None),
    ]


def test_retries_are_those_of_all_drivers_together(store, workspace, spec_of):
    """A driver that saw two deaths is lost itself: its successor has the last attempt, not three new ones."""
    search_id, lost = begin(store, spec_of(trials=2, early_stopping=None, retries=2))
    driver = DriverRecord(store, store.get_search(search_id), lost)
    driver.start()
    first = TrialBook(driver, kind_of(driver.spec).plan(driver.spec, search_id, driver.records), workspace)
    first.launch()
    assert [first.relaunch(0), first.relaunch(0)] == [2, 3]
    assert store.requeue_search(search_id, lost, 0.0, "the driver died")
    attempt = store.begin_driver(search_id)
    assert run(store, search_id, attempt, workspace, trial_process=DiesInTrials) is SearchStatus.COMPLETED
    assert [summary(trial) for trial in store.all_trials(search_id)] == [
        (TrialStatus.FAILED, 4, "its process died 3 times"),
        (TrialStatus.COMPLETED, 3, None),
    ]


def test_retries_of_a_run_are_those_of_all_drivers_together(store, workspace, snapshot_at):
    """A driver that saw one death is lost: its successor has the last attempt, and a user's retry has both anew."""
    spec = AutoDeepLabSpec(
        name="trellis",
        bilevel=BilevelSpec(dataset="tiny", crop=(129, 129)),
        seeds=2,
        retries=1,
        resources=Resources(cpus=1, concurrent=1),
    )
    (workspace.cache / "snapshot.json").write_text(snapshot_at(3, finished=True).model_dump_json())
    book = workspace.cache / "searched"
    search_id, attempt = begin(store, spec)
    with pytest.raises(Interrupted):
        run(
            store,
            search_id,
            attempt,
            workspace,
            run_process=DiesInRuns,
            interrupted=lambda: bool(store.runs(search_id)),
        )
    assert store.runs(search_id) == {0: RunRecord(0, deaths=1)}
    assert store.requeue_search(search_id, attempt, 0.0, "the driver died")
    for expected in (["0 2", "1 1"], ["0 1", "0 2"]):
        book.unlink()
        attempt = store.begin_driver(search_id)
        assert run(store, search_id, attempt, workspace, run_process=DiesInRuns) is SearchStatus.COMPLETED
        assert book.read_text().splitlines() == expected
        assert store.get_search(search_id).message == "run 0 failed: its process died 2 times"
        assert store.runs(search_id) == {0: RunRecord(0, 1, "its process died 2 times")}
        store.resume_search(search_id, retry_failed=True)


def test_a_trial_is_proposed_where_it_can_begin(running_ray, store, workspace, spec_of, monkeypatch):
    """40 may run at a time. Others hold all processors but one, then none."""
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group

    processors = int(ray.cluster_resources()["CPU"])
    others = [placement_group([{"CPU": 1}]) for _ in range(processors)]
    assert all(group.wait(60) for group in others)
    counts: list[tuple[int, int]] = []
    free = 0
    launch, show = TrialBook.launch, TrialBook.show_progress
    idle_until = time.monotonic() + 1.0

    def counted(book: TrialBook) -> Any:
        task = launch(book)
        counts.append((len(book._flights), free))
        return task

    def others_end(book: TrialBook) -> None:
        nonlocal free
        show(book)
        if time.monotonic() > idle_until and (free == 0 or (free == 1 and book._ended >= 4)):
            free = processors if free else 1
            for group in others[:free]:
                remove_placement_group(group)

    monkeypatch.setattr(TrialBook, "launch", counted)
    monkeypatch.setattr(TrialBook, "show_progress", others_end)
    resources = Resources(cpus=1, concurrent=40)
    search_id, attempt = begin(store, spec_of(trials=16, early_stopping=None, resources=resources))
    try:
        assert run(store, search_id, attempt, workspace, trial_process=Brief) is SearchStatus.COMPLETED
    finally:
        for group in others:
            remove_placement_group(group)
    assert len(counts) == 16
    assert {in_flight for in_flight, free in counts if free == 1} == {1}, "none before there was room, then one"
    assert max(in_flight for in_flight, _ in counts) == processors
    assert len(set(processes(workspace).values())) == processors, "an idle process takes the next trial"
    until(lambda: ray.available_resources().get("CPU") == processors)
