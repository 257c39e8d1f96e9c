"""A trial in several processes: Ray Train's TorchTrainer, below the trial's process.

    TrialProcess (Tune)     takes next to nothing, waits for news
    └─ Training             an actor without resources: calls `TorchTrainer.fit`, passes on what the workers tell
       └─ TrainController   Ray Train's: a placement group with one bundle for each worker
          └─ RayTrainWorker x workers: `nas.training.evaluate` in a process group, gloo or nccl

Each is owned by the one above it, and Ray ends what a dead process owned: to end all, end the first. Ray Train could
begin again by itself when a worker dies; it is not asked to, so that every attempt is one of the record's.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import ray
from ray.exceptions import RayActorError

from nas.results.measurement import Measurement, TrialError
from workers.trainables.process import ProcessDiedError
from workers.trainables.reservations import release
from workers.trainables.task import TrialTask

WAIT_SECONDS = 60.0
"""How long a question for news may stay open."""


class News(NamedTuple):
    """A measurement (JSON), why the trial cannot be measured, how a process died, or the exception of a bug."""

    kind: Literal["measured", "failed", "died", "bug"]
    content: Any


def train_together(task: TrialTask) -> Iterator[Measurement]:
    """The measurements of `task.resources.workers` processes that train one network; closing it ends them.

    TrialError as `evaluate`, ProcessDiedError when one of the processes has died; a worker's other exceptions.
    """
    release(task)
    # Not in the placement group of the trial's process, which has no room for what this one starts.
    anywhere = {"num_cpus": 0, "max_concurrency": 3, "scheduling_strategy": "DEFAULT"}
    training = ray.remote(Training).options(**anywhere).remote(task)
    try:
        training.fit.options(name=f"{task.label}: {task.resources.workers} processes").remote()
        iteration = 0
        while iteration < task.fidelity.iterations:
            news = ray.get(training.news.options(name=f"{task.label}: news").remote())
            if news is not None:
                measurement = _measurement(news)
                yield measurement
                iteration = measurement.iteration
    except RayActorError as error:
        raise ProcessDiedError(str(error)) from error
    finally:
        ray.kill(training)
        release(task)


class Training:
    """The actor between a trial's process and Ray Train."""

    def __init__(self, task: TrialTask) -> None:
        self._task = task
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()

    def fit(self) -> None:
        """Train to the end; what comes of it is told as news."""
        try:
            from workers.trainables.group_workers import fit  # pandas and torch: the trial's own process needs neither

            fit(self._task, ray.get_runtime_context().current_actor)
        except RayActorError as error:
            self.tell(News("died", str(error)))
        except Exception as error:
            self.tell(News("bug", error))

    def tell(self, news: News) -> None:
        """Called by the workers and by Ray Train's controller."""
        self._news.put(news)

    def news(self) -> News | None:
        """The next, as soon as there is any; after a while None."""
        try:
            return self._news.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            return None

    def __repr__(self) -> str:
        """The actor's name in the dashboard."""
        return f"{self._task.label}: {self._task.resources.workers} processes"


def _measurement(news: News) -> Measurement:
    if news.kind == "measured":
        return Measurement.model_validate_json(news.content)
    if news.kind == "failed":
        raise TrialError(news.content)
    if news.kind == "died":
        raise ProcessDiedError(news.content)
    raise news.content
