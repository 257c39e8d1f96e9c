"""A trial in several processes: Ray Train's TorchTrainer, below the trial's process.

    TrialProcess (Tune)     takes next to nothing, waits for messages
    └─ Training             an actor without resources: calls `TorchTrainer.fit`, passes on what the workers report
       └─ TrainController   Ray Train's: a placement group with one bundle for each worker
          └─ RayTrainWorker x workers: `nas.training.evaluate` in a process group, gloo or nccl

Each is owned by the one above it, and Ray ends what a dead process owned: to end all, end the first. Ray Train could
begin again by itself when a worker dies; it is not asked to, so that every attempt is one of the record's.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator

import ray
from ray.exceptions import RayActorError

from nas.results.measurement import Measurement
from workers.trainables.message import Bug, Died, Failed, GroupMessage, Measured
from workers.trainables.process import ProcessDiedError
from workers.trainables.reservations import release
from workers.trainables.task import TrialTask

WAIT_SECONDS = 60.0
"""How long one call may wait for the next message."""


def train_together(task: TrialTask) -> Iterator[Measured[Measurement] | Failed]:
    """Train one network in `task.resources.workers` processes; closing the iterator ends the processes.

    Args:
        task: The trial.

    Returns:
        A message for each rung, or that the trial cannot be measured.

    Raises:
        ProcessDiedError: One of the processes has died.
        Exception: What a worker raised, if it is a bug.
    """
    release(task)
    # Not in the placement group of the trial's process, which has no room for what this one starts.
    anywhere = {"num_cpus": 0, "max_concurrency": 3, "scheduling_strategy": "DEFAULT"}
    training = ray.remote(Training).options(**anywhere).remote(task)
    try:
        training.fit.options(name=f"{task.display_name}: {task.resources.workers} processes").remote()
        over = False
        while not over:
            received = ray.get(training.next_message.options(name=f"{task.display_name}: next message").remote())
            if received is not None:
                message = _for_the_driver(received)
                yield message
                over = message.last
    except RayActorError as error:
        raise ProcessDiedError(str(error)) from error
    finally:
        ray.kill(training)
        release(task)


class Training:
    """The actor between a trial's process and Ray Train.

    Args:
        task: The trial.
    """

    def __init__(self, task: TrialTask) -> None:
        self._task = task
        self._queue: queue.SimpleQueue[GroupMessage] = queue.SimpleQueue()

    def fit(self) -> None:
        """Train to the end; what comes of it are messages."""
        attempt = self._task.attempt
        try:
            from workers.trainables.group_workers import fit  # pandas and torch: the trial's own process needs neither

            fit(self._task, ray.get_runtime_context().current_actor)
        except RayActorError as error:
            self.report(Died(attempt=attempt, reason=str(error)))
        except Exception as error:
            self.report(Bug(attempt=attempt, error=error))

    def report(self, message: GroupMessage) -> None:
        """Take a message from a worker, or from Ray Train's controller."""
        self._queue.put(message)

    def next_message(self) -> GroupMessage | None:
        """Wait for the next message; None when there is none within `WAIT_SECONDS`."""
        try:
            return self._queue.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            return None

    def __repr__(self) -> str:
        """The actor's name in the dashboard."""
        return f"{self._task.display_name}: {self._task.resources.workers} processes"


def _for_the_driver(message: GroupMessage) -> Measured[Measurement] | Failed:
    """What ends the attempt is raised, as it would be by a trial that has one process."""
    match message:
        case Died():
            raise ProcessDiedError(message.reason)
        case Bug():
            raise message.error
        case Measured() | Failed():
            return message
