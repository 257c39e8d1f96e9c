"""The process of a trial or a run: Tune's side of what `nas.training` yields."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from ray import tune
from ray.tune import PlacementGroupFactory

from nas.results.measurement import TrialError
from nas.specs import Resources
from workers.trainables.task import Task


class Outcome(NamedTuple):
    """One thing that the work yields, as JSON text, and whether it is the last."""

    text: str
    last: bool


class Progress(NamedTuple):
    """How far the work is on its way to the next outcome."""

    done: int
    total: int


class ProcessDiedError(Exception):
    """A process that the work needs besides its own has died: the work is tried again, as if its own had."""


def share_of(resources: Resources) -> dict[str, float]:
    """What one process takes, in Ray's names: all that a trial takes, or its part where several train one network."""
    share = {"CPU": resources.cpus / resources.workers}
    return share | ({"GPU": resources.gpus / resources.workers} if resources.gpus else {})


class Process(tune.Trainable):  # type: ignore[misc]  # Ray has no types
    """One step is one outcome: a trial's rung, a run's epoch.

    A result holds the attempt and one of `outcome` (JSON), `progress` ((done, total), for people) or `failed` (why it
    cannot go on, a TrialError's sentence).
    Any other exception leaves `step`: it ends the work as failed (ProcessDiedError: only this attempt) and its process
    too, whose state (a CUDA context, for instance) may be spoilt. The checkpoint lies under (search, number), not under
    Tune's names, so that a new process, or the process of a new driver, goes on from it.
    """

    _task: Task
    _outcomes: Iterator[Outcome | Progress]
    _stepped: bool

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> PlacementGroupFactory:
        """What a trial takes. Here rather than by `tune.with_resources`, which would hide the class's name."""
        return PlacementGroupFactory([share_of(config["task"].resources)])

    def setup(self, config: dict[str, Any]) -> None:
        """A new process begins a trial."""
        self._begin(config["task"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """A warm process begins the next trial."""
        self._end()
        self._begin(new_config["task"])
        return True

    def step(self) -> dict[str, Any]:
        """Work until there is something to tell."""
        attempt = self._task.attempt
        self._stepped = True
        try:
            outcome = next(self._outcomes)
        except TrialError as error:
            return {"attempt": attempt, "failed": str(error), "done": True}
        if isinstance(outcome, Progress):
            return {"attempt": attempt, "progress": tuple(outcome), "done": False}
        # Text, because Tune would keep statistics of every number it finds.
        return {"attempt": attempt, "outcome": outcome.text, "done": outcome.last}

    def cleanup(self) -> None:
        """The work is over and this process too."""
        self._end()

    def outcomes(self, task: Any) -> Iterator[Outcome | Progress]:  # noqa: ARG002  for whoever does the work
        """What the task yields."""
        raise AssertionError(f"{type(self).__name__} does not say what its work is")

    def __repr__(self) -> str:
        """The actor's name in the dashboard. Ray asks once: a warm process cannot be named after its trial."""
        task = self._task
        return f"{task.search_name[:60]}: worker" if task.resources.reuse_workers else task.label

    def _begin(self, task: Task) -> None:
        self._task = task
        self._stepped = False
        self._outcomes = self.outcomes(task)

    def _end(self) -> None:
        """Let go of the work, after the driver has recorded its end.

        Tune also ends processes that it started for a trial and then gave to a warm one: these have not taken a step,
        and the checkpoint is not theirs to remove.
        """
        close = getattr(self._outcomes, "close", None)
        if close is not None:
            close()
        self._outcomes = iter(())
        _empty_device()
        if self._stepped:
            shutil.rmtree(self._task.folder, ignore_errors=True)


def _empty_device() -> None:
    """Give a GPU's memory back: a warm process would keep what its largest trial took, and others share the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()
