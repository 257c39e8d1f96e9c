"""The messages that a process sends while it works; the driver's books record them.

A message travels as one object: through Ray, through Tune's result dictionary (under the one key `RESULT_KEY`), into
`workers.tune.book.Book`. Tune keeps statistics of every number that it finds in a result, and copies results deeply
now and then: a frozen object that is no container is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar

from nas.results.measurement import Measurement
from nas.results.predictions import Predictions
from nas.results.snapshot import Snapshot

R_co = TypeVar("R_co", bound=Measurement | Snapshot, covariant=True)

RESULT_KEY = "message"
"""Where Tune's result dictionary holds the message."""


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """What every message names: the attempt of the work that it comes from, and the node, where that is known."""

    attempt: int
    node: str | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # nothing in a message changes


@dataclass(frozen=True, kw_only=True)
class Measured(_Sent, Generic[R_co]):
    """The work has reached a point where something was measured: a trial's rung, or a run's epoch.

    Attributes:
        result: The trial's `Measurement`, or the run's `Snapshot`.
        last: Whether the work is over with this result.
        predictions: What a trial predicts at the rung, to look at; None where that was not kept.
    """

    result: R_co
    last: bool
    predictions: Predictions | None = None


@dataclass(frozen=True, kw_only=True)
class Progress(_Sent):
    """How far the work is on its way to its end, for people: `done` steps of `total`."""

    done: int
    total: int
    last: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class Failed(_Sent):
    """The work cannot be measured (a `TrialError`): it is over, and not tried again.

    Attributes:
        reason: One sentence for the user.
    """

    reason: str
    last: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Died(_Sent):
    """One of the group's processes has died: this attempt is over, the work may be tried again.

    Attributes:
        reason: What Ray says of the death.
    """

    reason: str


@dataclass(frozen=True, kw_only=True)
class Bug(_Sent):
    """One of the group's processes raised an exception that is no `TrialError`: it is not tried again.

    Attributes:
        error: The exception.
    """

    error: Exception


Message: TypeAlias = Measured[R_co] | Progress | Failed
"""What a process sends to the driver."""

GroupMessage: TypeAlias = Measured[Measurement] | Failed | Died | Bug
"""What the processes of a group send to the trial's process."""
