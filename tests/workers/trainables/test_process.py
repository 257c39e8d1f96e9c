"""The process of a trial, in this process."""

from __future__ import annotations

import dataclasses
import random

import pytest

from nas.data.entry import DatasetEntry
from nas.results.measurement import TrialError
from nas.specs import BackboneSpec, Fidelity, HeadSpec
from nas.training.workspace import Workspace
from search_spaces.dense_cell.space import sample
from tests.builders import measured
from tests.workers.conftest import write_scenes
from workers.trainables.message import RESULT_KEY, Failed
from workers.trainables.process import ProcessDiedError
from workers.trainables.task import TrialTask
from workers.trainables.trial import TrialProcess


class Toy(TrialProcess):
    def evaluate(self, task):
        task.folder.mkdir(parents=True, exist_ok=True)
        task.checkpoint.touch()
        for rung in task.fidelity.rungs:
            if task.number == 13:
                raise TrialError("unlucky")
            if task.number == 14:
                raise ProcessDiedError("one of the group")
            yield measured(rung, 0.5)


@pytest.fixture
def task_of(tmp_path, spec_of):
    spec = spec_of(name="my search")

    def make(number: int, attempt: int = 1) -> TrialTask:
        return TrialTask(
            search_id="s000000000000",
            search_name=spec.name,
            number=number,
            attempt=attempt,
            architecture=sample(5, random.Random(number)),
            fidelity=spec.fidelity,
            seed=spec.seed,
            resources=spec.resources,
            workspace=Workspace({}, {}, tmp_path / "cache", tmp_path / "artifacts"),
        )

    return make


def test_a_real_trial_sends_what_it_predicts_with_each_rung(task_of, tmp_path):
    entry = DatasetEntry(layout="cityscapes", root=write_scenes(tmp_path / "tiny"))
    task = task_of(0)
    fidelity = Fidelity(
        dataset="tiny",
        backbone=BackboneSpec(width=0.25, blocks=5, output_stride=8, warmup_iterations=2),
        head=HeadSpec(channels=8, rate_multiplier=1),
        crop=(64, 128),
        rungs=(1, 2),
        batch=4,
        label_stride=8,
    )
    workspace = Workspace({"tiny": entry}, {}, tmp_path / "cache", tmp_path / "artifacts")
    process = TrialProcess({"task": dataclasses.replace(task, fidelity=fidelity, workspace=workspace)})
    messages = [process.step()[RESULT_KEY] for _ in range(2)]
    assert [message.predictions.iteration for message in messages] == [1, 2]
    assert {message.predictions.examples.rows for message in messages} == {(0, 2, 3, 4)}
    process.cleanup()


def test_a_step_is_a_rung_and_the_last_one_is_done(task_of):
    process = Toy({"task": task_of(7, attempt=2)})
    results = [process.step() for _ in range(3)]
    messages = [result[RESULT_KEY] for result in results]
    assert [message.result.iteration for message in messages] == [10, 20, 40]
    assert [message.last for message in messages] == [False, False, True]
    assert [result["done"] for result in results] == [False, False, True]
    assert {message.attempt for message in messages} == {2}
    assert {len(result) for result in results} == {2}


def test_an_architecture_that_cannot_be_measured_is_a_result(task_of):
    assert Toy({"task": task_of(13)}).step() == {RESULT_KEY: Failed(attempt=1, reason="unlucky"), "done": True}


def test_a_warm_process_forgets_the_trial_before(task_of):
    first, second = task_of(1), task_of(2)
    process = Toy({"task": first})
    process.step()
    assert first.folder.exists()
    assert process.reset_config({"task": second})
    assert not first.folder.exists()
    process.step()
    assert second.folder.exists()
    process.stop()
    assert not second.folder.exists()


def test_a_process_that_gave_its_trial_away_leaves_the_checkpoint(task_of):
    """Tune starts a process for a trial and may then run it in a warm one that has become free."""
    task = task_of(1)
    runs, spare = Toy({"task": task}), Toy({"task": task})
    runs.step()
    spare.stop()
    assert task.checkpoint.exists()


def test_a_process_whose_step_raised_leaves_the_checkpoint_to_the_next_attempt(task_of):
    """Tune takes it down in its own time, when another process may be writing the checkpoint already."""
    task = task_of(14)
    process = Toy({"task": task})
    with pytest.raises(ProcessDiedError):
        process.step()
    process.stop()
    assert task.checkpoint.exists()


def test_names_for_people(task_of):
    assert task_of(7).display_name == "my search: trial 7"
    assert task_of(7, attempt=3).display_name == "my search: trial 7, attempt 3"
    assert repr(Toy({"task": task_of(7)})) == "my search: worker since trial 7"


def test_a_name_for_people_turns_no_row_round(task_of):
    """It stands in process lists and in Ray's dashboard."""
    task = dataclasses.replace(task_of(7), search_name="a\u202eb\x1b[2J")
    assert task.display_name == r"a\u202eb\x1b[2J: trial 7"
