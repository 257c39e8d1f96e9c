"""The protocol between Tune's event loop and whoever keeps the record of what it runs.

Two classes follow it: `workers.driver.trial_book.TrialBook` for trials, `workers.driver.run_book.RunBook` for the runs
of a differentiable search.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from nas.results.measurement import Measurement
from nas.results.snapshot import Snapshot
from nas.specs import Resources
from workers.trainables.message import Measured, Progress
from workers.trainables.task import Task

T_co = TypeVar("T_co", bound=Task, covariant=True)
R_contra = TypeVar("R_contra", bound=Measurement | Snapshot, contravariant=True)


class Book(Protocol[T_co, R_contra]):
    """The source of tasks, the judge of their messages, and the record of both; a task is known by its number."""

    @property
    def resources(self) -> Resources:
        """What each task takes, and how many run at a time."""
        ...

    @property
    def retries(self) -> int:
        """How many new attempts a task gets whose process died."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether no task is left to launch."""
        ...

    def launch(self) -> T_co | None:
        """Record the next task as running.

        Returns:
            The task, or None when none is left.
        """
        ...

    def relaunch(self, number: int) -> int:
        """Record a new attempt of a task whose process died.

        Returns:
            The attempt, which later messages of the task name.
        """
        ...

    def should_continue(self, number: int, message: Measured[R_contra]) -> bool:
        """Decide whether a task continues after a result that is not its last (early stopping)."""
        ...

    def record(self, number: int, message: Measured[R_contra] | Progress) -> None:
        """Record a message of a task; a result that an earlier attempt has sent is not recorded again."""
        ...

    def end(self, number: int, reason: str | None = None, node: str | None = None) -> None:
        """Record the end of a task.

        Args:
            number: The task.
            reason: Why it failed, in one sentence; None when it ended by itself or by early stopping.
            node: Where it failed, if that is known.
        """
        ...
