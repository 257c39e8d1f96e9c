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

from nas.results.measurement import TrialError
from workers.trainables.group import News
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
    """Train to the end, telling `training` (an actor's handle) how it goes. RayActorError when the controller dies."""
    os.environ.update(ENVIRONMENT)
    resources = task.resources
    trainer = LeanTrainer(
        train_share,
        train_loop_config={"task": task, "training": training},
        scaling_config=ScalingConfig(
            num_workers=resources.workers, use_gpu=bool(resources.gpus), resources_per_worker=share_of(resources)
        ),
        run_config=RunConfig(
            name=task.folder.name,
            storage_path=str(task.folder.parent / "train"),
            failure_config=FailureConfig(controller_failure_limit=0, max_preemption_failures=0),
            callbacks=[Failures(training)],
            logging_config=LoggingConfig(log_level="WARNING"),
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        # What a worker raised has been told by now; else the processes could not be started, or kept.
        ray.get(training.tell.remote(News("died", str(error))))


class LeanTrainer(TorchTrainer):  # type: ignore[misc]  # Ray has no types
    """Without two of Ray Train's helpers, which are processes of their own.

    One serves Ray's data sets, which are not used. The other is a detached actor that removes the placement group of a
    controller that died, and stays for ever where it cannot ask the dashboard, as on a machine with two clusters;
    `workers.trainables.reservations` does that here.
    """

    def _create_default_callbacks(self) -> list[Any]:
        left_out = (DatasetsCallback, PlacementGroupCleanerCallback)
        kept = [callback for callback in super()._create_default_callbacks() if not isinstance(callback, left_out)]
        return [*kept, NotedGroup(self.train_loop_config["task"])]


class NotedGroup(WorkerGroupCallback):  # type: ignore[misc]  # Ray has no types
    """Notes what the workers have reserved; called in Ray Train's controller."""

    def __init__(self, task: TrialTask) -> None:
        self._task = task

    def after_worker_group_start(self, worker_group: Any) -> None:
        """The workers are there."""
        note(self._task, worker_group.get_worker_group_state().placement_group_handle.placement_group)


class Failures(UserCallback):  # type: ignore[misc]  # Ray has no types
    """Tells what happened to the workers as soon as Ray Train knows, before it takes them down."""

    def __init__(self, training: Any) -> None:
        self._training = training

    def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:  # noqa: ARG002  Ray's
        """Called in Ray Train's controller."""
        ray.get(self._training.tell.remote(what_happened(list(worker_exceptions.values()))))


def what_happened(exceptions: list[Exception]) -> News:
    """One cause for what several workers met: those that wait for a process that is gone fail as well."""
    for error in exceptions:
        if isinstance(error, TrialError):
            return News("failed", str(error))
    own = [error for error in exceptions if not _is_consequence(error)]
    return News("bug", own[0]) if own else News("died", "; ".join(str(error) for error in exceptions))


def _is_consequence(error: Exception) -> bool:
    """Of a process's death: Ray's words for it, or those of the collective operations that waited for it."""
    if isinstance(error, RayActorError | WorkerHealthCheckFailedError | WorkerHealthCheckTimeoutError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in ("gloo", "NCCL", "nccl"))


def train_share(config: dict[str, Any]) -> None:
    """What each worker does; the first one has the measurements."""
    from ray.train.torch import get_device

    from nas.training.evaluate import evaluate

    task, training = config["task"], config["training"]
    share = share_of(task.resources)
    measurements = evaluate(
        task.architecture,
        task.fidelity,
        task.seed,
        workspace=task.workspace,
        device=get_device() if "GPU" in share else "cpu",
        checkpoint=task.folder / "checkpoint.pt",
        threads=max(1, int(share["CPU"])),
        devices=share.get("GPU", 1.0),
    )
    try:
        for measurement in measurements:
            ray.get(training.tell.remote(News("measured", measurement.model_dump_json())))
    except TrialError as error:
        # At once: the others may be waiting for this process, and Ray Train would wait for them.
        ray.get(training.tell.remote(News("failed", str(error))))
        raise
