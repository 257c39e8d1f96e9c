"""The driver's book of differentiable runs, without Ray: what a driver after it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.specs import AutoDeepLabSpec, BilevelSpec
from nas.store import RunRecord, StaleAttemptError, Store
from nas.training.workspace import Workspace
from workers.driver.record import DriverRecord
from workers.driver.run_book import RunBook
from workers.trainables.message import Measured, Progress
from workers.trainables.task import RunTask

BILEVEL = BilevelSpec(dataset="scenes", crop=(129, 129), epochs=4, architecture_from_epoch=1)
SPEC = AutoDeepLabSpec(name="trellis", bilevel=BILEVEL, seeds=3, retries=2)


@pytest.fixture
def search_id(store: Store) -> str:
    return store.create_search(SPEC)[0].id


def begin(store: Store, search_id: str) -> RunBook:
    driver = DriverRecord(store, store.get_search(search_id), store.begin_driver(search_id))
    driver.start()
    book = RunBook(driver, SPEC, Workspace({}, {}, Path("cache"), Path("artifacts")))
    book.replay()
    return book


def replaced(store: Store, search_id: str) -> RunBook:
    assert store.requeue_search(search_id, store.get_search(search_id).attempt, 0.0, "the driver died")
    return begin(store, search_id)


def launch_all(book: RunBook) -> list[RunTask]:
    tasks = []
    while (task := book.launch()) is not None:
        tasks.append(task)
    assert book.exhausted
    return tasks


def test_deaths_are_counted_over_all_drivers_and_lost_drivers_are_none(store, search_id):
    first = begin(store, search_id)
    assert [(task.attempt, task.deaths) for task in launch_all(first)] == [(1, 0)] * 3
    assert [first.relaunch(1), first.relaunch(1)] == [2, 3]
    second = replaced(store, search_id)
    assert [(task.number, task.attempt, task.deaths) for task in launch_all(second)] == [
        (0, 1, 0),
        (1, 3, 2),
        (2, 1, 0),
    ]
    with pytest.raises(StaleAttemptError):
        first.relaunch(1)
    assert second.relaunch(2) == 2
    assert store.runs(search_id) == {1: RunRecord(1, 2), 2: RunRecord(2, 1)}


def test_a_run_that_failed_or_is_over_is_not_begun_again(store, search_id, snapshot_at):
    first = begin(store, search_id)
    launch_all(first)
    first.end(0, "the loss is NaN at step 3", "node-1")
    over = snapshot_at(2, finished=True)
    first.record(1, Measured(attempt=1, result=over, last=True))
    first.end(1)
    first.record(2, Progress(attempt=1, done=1, total=2))
    assert first.message == "run 0 failed: the loss is NaN at step 3"
    second = replaced(store, search_id)
    assert [task.number for task in launch_all(second)] == [2]
    assert second.failed == first.failed
    second.end(2, "its process died 3 times")
    assert second.message == "run 0 failed: the loss is NaN at step 3; run 2 failed: its process died 3 times"


def test_progress_counts_runs_that_earlier_drivers_ended(store, search_id, snapshot_at):
    """Of three runs of four epochs: one failed, one after its second epoch, one in the middle of its first."""
    first = begin(store, search_id)
    launch_all(first)
    first.end(0, "no memory")
    first.record(1, Measured(attempt=1, result=snapshot_at(2), last=False))
    second = replaced(store, search_id)
    launch_all(second)
    second.record(2, Progress(attempt=1, done=1, total=8))
    second.show_progress()
    stage = store.get_search(search_id).stage
    assert stage is not None
    assert (stage.name, stage.done, stage.total) == ("search", round(100 * (4 + 2 + 0.5) / 12), 100)
