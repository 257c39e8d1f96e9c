"""The gate for a new Ray: what we leave out of Ray Train, and read from it."""

from __future__ import annotations

import dataclasses

import pytest


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")  # of what Ray Train itself sets there
def test_the_lean_trainer_leaves_out_what_ray_train_still_starts(task):
    from ray.train.torch import TorchTrainer

    from workers.trainables.group_workers import ReservationNote, trainer_of

    trainer = trainer_of(task, None)
    theirs = {type(callback).__name__ for callback in TorchTrainer._create_default_callbacks(trainer)}
    ours = {type(callback).__name__ for callback in trainer._create_default_callbacks()}
    left_out = {"DatasetsCallback", "PlacementGroupCleanerCallback"}
    assert left_out <= theirs, f"Ray Train starts no {left_out - theirs} any more: LeanTrainer need not leave it out"
    assert ours == theirs - left_out | {ReservationNote.__name__}


def test_the_placement_group_of_a_worker_group_is_found():
    from ray.train.v2._internal.execution.worker_group import WorkerGroupState
    from ray.train.v2._internal.execution.worker_group.placement_group_handle import PlacementGroupHandle

    fields = {field.name for field in dataclasses.fields(WorkerGroupState)}
    assert "placement_group_handle" in fields, "ReservationNote reads it from a worker group's state"
    assert hasattr(PlacementGroupHandle, "placement_group"), "ReservationNote reads it from a placement group's handle"


def test_what_ray_train_reads_from_the_environment():
    from ray.train.constants import RAY_CHDIR_TO_TRIAL_DIR
    from ray.train.v2._internal import constants

    from workers.trainables.group_workers import ENVIRONMENT

    known = {value for name, value in vars(constants).items() if name.endswith("_ENV_VAR")}
    unknown = set(ENVIRONMENT) - known - {RAY_CHDIR_TO_TRIAL_DIR}
    assert not unknown, f"Ray Train reads no such environment variables: {unknown}"
