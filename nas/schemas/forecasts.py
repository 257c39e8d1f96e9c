"""Answers about the expected cost of a search."""

from __future__ import annotations

from pydantic import Field

from nas import formatting
from nas.schemas.base import PublicModel


class RungForecastPublic(PublicModel):
    """The forecast for one rung of a fidelity."""

    iteration: int
    trials: float = Field(description="Expected number of trials that reach the rung.")
    seconds: float | None = Field(description="Time of one trial from the rung before; null where it is not known.")
    measured: int = Field(
        description="Number of trials timed there at this fidelity; 0: the time is on a line through other rungs."
    )


class TrialsForecastPublic(PublicModel):
    """The forecast for all trials at one fidelity of a spec."""

    path: str = Field(description="Path of the fidelity in the spec.")
    trials: int
    rungs: tuple[RungForecastPublic, ...]
    seconds: float | None = Field(description="Time of all these trials, one after the other.")
    device_seconds: float | None
    basis: str | None = Field(
        description="Fidelity at which the times were measured, in words; null: nothing comparable was measured."
    )
    measured: int = Field(description="Number of trials that the times are means of.")
    measured_to: int | None = Field(description="Deepest iteration of these measured trials.")


class RunsForecastPublic(PublicModel):
    """The forecast for the runs of a differentiable search, at most: a remedy against collapse may end them earlier."""

    runs: int
    epochs: int
    device_seconds: float | None
    measured: int = Field(description="Number of epochs that were timed.")


class ForecastPublic(PublicModel):
    """The expected cost of a search, from mean times of comparable trials that were measured before.

    Preparation (backbone, features), the start of processes and waiting for a machine are not included.
    """

    trials: int
    device_seconds: float | None = Field(
        description="Device-seconds of all trials and runs; null if one of them is not known."
    )
    duration: str = Field(
        description="`device_seconds` as text, in a unit that suits.",
        default_factory=lambda fields: formatting.duration(fields["device_seconds"]),
    )
    seconds: float | None = Field(description="Duration of the search with `resources.concurrent` trials at a time.")
    basis: str | None = Field(description="Measurements that the forecast is based on, in words.")
    reason: str | None = Field(description="Why a cost is not known, and how to make it known.")
    parts: tuple[TrialsForecastPublic, ...] = Field(description="The trials of each fidelity.")
    runs: RunsForecastPublic | None = Field(description="The runs of a differentiable search.")
    follow_up: TrialsForecastPublic | None = Field(
        None,
        description="The trials of the confirmation that follows the search by itself, at the mean times of the "
        "search's own; they are not in the sums above. Null where none follows.",
    )
