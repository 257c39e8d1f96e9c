"""Ray Train's side of a trial in several processes: what starts them, what each does, how one's end is understood."""

from __future__ import annotations

import os
from typing import Any

import ray
from ray.exceptions import RayActorError
from ray.train import FailureConfig, LoggingConfig, RunConfig, ScalingConfig, TrainingFailedError, UserCallback
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.callbacks import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError, WorkerHealthCheckTimeoutError
from ray.train.v2._internal.execution.callback import WorkerGroupCallback

from nas.aids import writable_folder
from nas.results.measurement import TrialError
from workers.trainables.measure import PredictionSlot, evaluate_task, measured
from workers.trainables.message import Bug, Died, Failed
from workers.trainables.node import node_name
from workers.trainables.process import share_of
from workers.trainables.reservations import note
from workers.trainables.task import TrialTask

ENVIRONMENT = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths of a data set's entry stay what they are
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "1",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "1000000",  # as long as other trials take the resources
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # one more process a trial, for what a new attempt does
}
"""What Ray Train reads from the environment of the process that calls it."""


def fit(task: TrialTask, training: Any) -> None:
    """Train to the end, reporting every message.

    Args:
        task: The trial.
        training: The handle of the `workers.trainables.group.Training` actor that takes the messages.

    Raises:
        RayActorError: Ray Train's controller died.
    """
    os.environ.update(ENVIRONMENT)
    try:
        trainer_of(task, training).fit()
    except TrainingFailedError as error:
        # What a worker raised has been reported by now; else the processes could not be started, or kept.
        ray.get(training.report.remote(Died(attempt=task.attempt, reason=str(error))))


def trainer_of(task: TrialTask, training: Any) -> LeanTrainer:
    """Build the trainer of a trial; the arguments are those of `fit`."""
    resources = task.resources
    return LeanTrainer(
        train_share,
        train_loop_config={"task": task, "training": training},
        scaling_config=ScalingConfig(
            num_workers=resources.workers, use_gpu=bool(resources.gpus), resources_per_worker=share_of(resources)
        ),
        run_config=RunConfig(
            name=task.folder.name,
            storage_path=str(writable_folder(task.folder.parent / "train", "scratch folder")),
            failure_config=FailureConfig(controller_failure_limit=0, max_preemption_failures=0),
            callbacks=[FailureReports(task.attempt, training)],
            logging_config=LoggingConfig(log_level="WARNING"),
        ),
    )


class LeanTrainer(TorchTrainer):  # type: ignore[misc]  # Ray has no types
    """Ray Train's trainer without two of its helpers, which are processes of their own.

    One serves Ray's data sets, which are not used. The other is a detached actor that removes the placement group of a
    controller that died, and stays for ever where it cannot ask the dashboard, as on a machine with two clusters;
    `workers.trainables.reservations` does that here.
    """

    def _create_default_callbacks(self) -> list[Any]:
        left_out = (DatasetsCallback, PlacementGroupCleanerCallback)
        used = [callback for callback in super()._create_default_callbacks() if not isinstance(callback, left_out)]
        return [*used, ReservationNote(self.train_loop_config["task"])]


class ReservationNote(WorkerGroupCallback):  # type: ignore[misc]  # Ray has no types
    """Ray Train's callback that notes what the workers have reserved.

    Args:
        task: The trial.
    """

    def __init__(self, task: TrialTask) -> None:
        self._task = task

    def after_worker_group_start(self, worker_group: Any) -> None:
        """Called in Ray Train's controller when the workers have started."""
        note(self._task, worker_group.get_worker_group_state().placement_group_handle.placement_group)


class FailureReports(UserCallback):  # type: ignore[misc]  # Ray has no types
    """Ray Train's callback that reports what happened to the workers, before Ray Train takes them down.

    Args:
        attempt: The trial's attempt.
        training: The handle of the actor that takes the messages.
    """

    def __init__(self, attempt: int, training: Any) -> None:
        self._attempt = attempt
        self._training = training

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:  # noqa: ARG002  Ray's
        """Called in Ray Train's controller."""
        ray.get(self._training.report.remote(cause_of(self._attempt, list(worker_exceptions.values()))))


def cause_of(attempt: int, exceptions: list[Exception]) -> Failed | Bug | Died:
    """Find the one cause of what several workers met: those that wait for a process that is gone fail as well.

    Args:
        attempt: The trial's attempt.
        exceptions: What the workers raised, and what Ray Train says of those that died.
    """
    for error in exceptions:
        if isinstance(error, TrialError):
            return Failed(attempt=attempt, reason=str(error))
    own = [error for error in exceptions if not _is_consequence(error)]
    if own:
        return Bug(attempt=attempt, error=own[0])
    return Died(attempt=attempt, reason="; ".join(str(error) for error in exceptions))


def _is_consequence(error: Exception) -> bool:
    """Of a process's death: Ray's words for it, or those of the collective operations that waited for it."""
    if isinstance(error, RayActorError | WorkerHealthCheckFailedError | WorkerHealthCheckTimeoutError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in ("gloo", "NCCL", "nccl"))


def train_share(config: dict[str, Any]) -> None:
    """Do one worker's part of the training; the first worker has the measurements.

    Args:
        config: The `task`, and the handle of the `training` actor that takes the messages.

    Raises:
        TrialError: The architecture cannot be measured; this is reported before.
    """
    from ray.train.torch import get_device

    task, training = config["task"], config["training"]
    try:
        slot = PredictionSlot()
        for measurement in evaluate_task(task, get_device() if task.resources.gpus else "cpu", slot):
            ray.get(training.report.remote(measured(task, measurement, slot)))
    except TrialError as error:
        # At once: the others may be waiting for this process, and Ray Train would wait for them.
        ray.get(training.report.remote(Failed(attempt=task.attempt, node=node_name(), reason=str(error))))
        raise
