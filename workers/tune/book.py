"""What Tune's event loop needs of whoever keeps the book of what it runs: trials, or a differentiable search's runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from nas.specs import Resources
from workers.trainables.task import Task

T_co = TypeVar("T_co", bound=Task, covariant=True)


class Book(Protocol[T_co]):
    """Where work comes from, which of it goes on, what is written down. Work is known by its number.

    A result is what `workers.trainables.process.Process.step` returned.
    """

    @property
    def resources(self) -> Resources:
        """What each piece of work takes."""
        ...

    @property
    def retries(self) -> int:
        """New attempts of one whose process died."""
        ...

    @property
    def finished_asking(self) -> bool:
        """Whether all work has been launched."""
        ...

    def launch(self) -> T_co | None:
        """The next piece of work, recorded as running; None when there is none left."""
        ...

    def relaunch(self, number: int) -> int:
        """The number of a new attempt: its process died."""
        ...

    def should_continue(self, number: int, result: Mapping[str, Any]) -> bool:
        """Early stopping's word on a result that is not the last."""
        ...

    def record(self, number: int, result: Mapping[str, Any]) -> None:
        """A result."""
        ...

    def end(self, number: int, reason: str | None = None) -> None:
        """It ended: failed for a reason, else by itself or by early stopping."""
        ...
