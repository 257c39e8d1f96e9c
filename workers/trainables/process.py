"""The process of a trial or a run: Tune's side of what `nas.training` yields."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from ray import tune
from ray.tune import PlacementGroupFactory

from nas.escaping import one_line
from nas.results.measurement import TrialError
from nas.specs import Resources
from workers.trainables.message import RESULT_KEY, Failed, Message
from workers.trainables.node import node_name
from workers.trainables.task import Task


class ProcessDiedError(Exception):
    """A process that the work needs besides its own has died: the work is tried again, as if its own had."""


def share_of(resources: Resources) -> dict[str, float]:
    """Compute what one process takes of a trial's resources.

    Returns:
        Amounts by Ray's names, `CPU` and (where there are any) `GPU`: all that a trial takes, or its part where
        several processes train one network.
    """
    share = {"CPU": resources.cpus / resources.workers}
    return share | ({"GPU": resources.gpus / resources.workers} if resources.gpus else {})


def threads_of(resources: Resources) -> int:
    """Return the number of CPU threads of one process of a trial."""
    return max(1, int(share_of(resources)["CPU"]))


class Process(tune.Trainable):  # type: ignore[misc]  # Ray has no types
    """A process that Tune starts for a task; each of its steps ends with one message.

    Any exception but `TrialError` leaves `step`: it ends the work as failed (`ProcessDiedError`: only this attempt) and
    its process too, whose state (a CUDA context, for instance) may be spoilt. The checkpoint lies under (search,
    number), not under Tune's names, so that a new process, or the process of a new driver, continues from it.
    """

    _task: Task
    _messages: Iterator[Message[Any]]
    _answered: bool

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> PlacementGroupFactory:
        """What a trial takes. Here rather than by `tune.with_resources`, which would hide the class's name."""
        return PlacementGroupFactory([share_of(config["task"].resources)])

    @classmethod
    def processes(cls, resources: Resources) -> int:  # noqa: ARG003  for who starts others
        """Return how many processes do a task's work: this one, or the group that it starts."""
        return 1

    def setup(self, config: dict[str, Any]) -> None:
        """A new process begins a task."""
        self._begin(config["task"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """A warm process begins the next task."""
        self._end()
        self._begin(new_config["task"])
        return True

    def step(self) -> dict[str, Any]:
        """Work until there is a message, and give it to Tune.

        Returns:
            The message under `RESULT_KEY`, and Tune's `done`.
        """
        self._answered = False
        try:
            message = next(self._messages)
        except TrialError as error:
            message = Failed(attempt=self._task.attempt, node=node_name(), reason=str(error))
        self._answered = True
        return {RESULT_KEY: message, "done": message.last}

    def cleanup(self) -> None:
        """The work is over and this process too."""
        self._end()

    def messages(self, task: Any) -> Iterator[Message[Any]]:  # noqa: ARG002  for whoever does the work
        """Do the task's work.

        Args:
            task: A `TrialTask` or a `RunTask`, as the subclass needs it.

        Returns:
            The messages, each as soon as there is something to say; the one whose `last` is true ends the work.

        Raises:
            TrialError: The task cannot be measured, whoever tries.
            ProcessDiedError: This attempt has failed.
        """
        raise AssertionError(f"{type(self).__name__} does not say what its work is")

    def __repr__(self) -> str:
        """The actor's name in the dashboard. Ray asks once: a warm process can only be named after its first trial."""
        task = self._task
        if not task.resources.reuse_workers:
            return task.display_name
        return f"{one_line(task.search_name)[:60]}: worker since {task.noun} {task.number}"

    def _begin(self, task: Task) -> None:
        self._task = task
        self._answered = False
        self._messages = self.messages(task)

    def _end(self) -> None:
        """Let go of the work, after the driver has recorded its end.

        Tune also ends processes whose trial goes on elsewhere: those that it started for a trial and then gave to a
        warm one, which have not taken a step, and those whose step raised. The checkpoint is not theirs to remove: the
        next attempt may be writing it by now.
        """
        close = getattr(self._messages, "close", None)
        if close is not None:
            close()
        self._messages = iter(())
        _empty_device()
        if self._answered:
            shutil.rmtree(self._task.folder, ignore_errors=True)


def _empty_device() -> None:
    """Give a GPU's memory back: a warm process would keep what its largest trial took, and others share the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()
