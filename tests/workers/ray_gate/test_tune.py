"""The gate for a new Ray: what we read and write of Tune's trials and results."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from nas.specs import Resources


@pytest.fixture
def trial(task, tmp_path) -> Any:
    """As `SearchController` makes it."""
    from ray.train._internal.storage import StorageContext
    from ray.tune import register_trainable

    from workers.trainables.trial import TrialProcess
    from workers.tune.controller import CountedTrial

    register_trainable("TrialProcess", TrialProcess, warn=False)
    storage = StorageContext(storage_path=str(tmp_path), experiment_dir_name="tune")
    return CountedTrial("TrialProcess", config={"task": task}, trial_id="000007", storage=storage, max_failures=2)


def test_a_trial_has_what_we_read_and_write(trial, task):
    assert trial.config["task"] is task, "Tune copies a trial's configuration, and our task with it"
    assert (trial.trial_id, trial.max_failures, trial.num_failures, trial.is_finished()) == ("000007", 2, 0, False)
    for name in ("relative_logdir", "last_result"):
        assert hasattr(trial, name), f"a trial of this Ray has no {name}"
    assert hasattr(trial.storage, "trial_dir_name"), "a trial's storage has no trial_dir_name"
    again = dataclasses.replace(task, attempt=2)
    trial.set_config({"task": again})
    assert trial.config["task"] is again


def test_a_trial_counts_the_death_of_a_process_on_a_preempted_node_and_writes_nothing(trial):
    """The reasons for `CountedTrial`: Ray's own `handle_error` does neither."""
    from ray.exceptions import ActorDiedError

    trial.init_local_path()
    preempted = ActorDiedError()
    preempted._preempted = True
    assert preempted.preempted
    trial.handle_error(preempted)
    assert (trial.num_failures, trial.should_recover()) == (1, True)
    assert trial.relative_logdir is None, "it has a folder"
    assert trial.run_metadata.error_filename is None, "it has written a file"


def test_a_place_asks_for_what_tune_reserves_for_a_trial(task):
    """Else Tune would not start the trial's process in the place that was granted."""
    from ray.air.execution import PlacementGroupResourceManager

    from workers.trainables.trial import TrialProcess
    from workers.tune.place import Place

    alone = dataclasses.replace(task, resources=Resources(cpus=2))
    place = Place(PlacementGroupResourceManager(), alone.resources, TrialProcess.processes(alone.resources))
    assert place._request == TrialProcess.default_resource_request({"task": alone})
    assert hash(place._request) == hash(TrialProcess.default_resource_request({"task": alone}))


def test_a_message_passes_tune_unopened(trial):
    """Tune keeps statistics of every number in a result: not of those in a message."""
    from nas.results.measurement import Measurement
    from workers.trainables.message import RESULT_KEY, Measured

    numbers = {"train_loss": 1.0, "val_loss": 1.0, "seconds": 1.0, "device_seconds": 1.0}
    message = Measured(attempt=1, result=Measurement(iteration=10, score=0.5, class_iou=(), **numbers), last=True)
    before = set(trial.run_metadata.metric_analysis)
    trial.update_last_result({RESULT_KEY: message, "done": True, "training_iteration": 1})
    assert trial.last_result[RESULT_KEY] is message
    kept = set(trial.run_metadata.metric_analysis) - before
    assert kept <= {"done", "training_iteration"}, f"Tune keeps statistics of what is in a message: {kept}"


def test_tune_does_not_know_a_process_that_ended_for_want_of_memory():
    """The reason for `TrialActors._actor_task_failed`, which may go when this fails."""
    from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

    assert not issubclass(OutOfMemoryError, RayActorError | RayTaskError), "Ray's OutOfMemoryError has new parents"


def test_what_tune_reads_from_the_environment():
    from ray.train.constants import RAY_CHDIR_TO_TRIAL_DIR
    from ray.tune.constants import TUNE_ENV_VARS

    from workers.tune.controller import ENVIRONMENT

    unknown = set(ENVIRONMENT) - set(TUNE_ENV_VARS) - {RAY_CHDIR_TO_TRIAL_DIR}
    assert not unknown, f"Tune reads no such environment variables: {unknown}"
