"""What a search is expected to cost, as the REST interface answers it."""

from __future__ import annotations

from pydantic import Field

from nas import formatting
from nas.schemas.base import PublicModel


class RungForecastPublic(PublicModel):
    """One rung of a forecast."""

    iteration: int
    trials: float = Field(description="Expected to get there.")
    seconds: float | None = Field(description="Of one trial from the rung before; null where nothing is known.")
    measured: int = Field(description="Trials that have been there at this very fidelity; 0: read off a line.")


class TrialsForecastPublic(PublicModel):
    """The trials of one fidelity of a spec."""

    path: str = Field(description="Of the fidelity in the spec.")
    trials: int
    rungs: tuple[RungForecastPublic, ...]
    seconds: float | None = Field(description="Of all these trials, one after the other.")
    device_seconds: float | None
    basis: str | None = Field(description="Whose times these are; null: nothing comparable was measured.")
    measured: int = Field(description="Trials that those times are means of.")
    measured_to: int | None = Field(description="Their deepest iteration.")


class RunsForecastPublic(PublicModel):
    """The runs of a differentiable search, at most: a remedy may end them earlier."""

    runs: int
    epochs: int
    device_seconds: float | None
    measured: int = Field(description="Epochs that were timed.")


class ForecastPublic(PublicModel):
    """What a search is expected to cost, from means over comparable trials that were measured before.

    Not in it: preparation (backbone, features), the start of processes, waiting for a machine.
    """

    trials: int
    device_seconds: float | None = Field(description="Of all trials and runs; null where something is not known.")
    duration: str = Field(
        description="`device_seconds` in the unit that suits.",
        default_factory=lambda fields: formatting.duration(fields["device_seconds"]),
    )
    seconds: float | None = Field(description="How long that takes with `resources.concurrent` trials at a time.")
    basis: str | None = Field(description="What that rests on.")
    reason: str | None = Field(description="Why something is not known, and what to do about it.")
    parts: tuple[TrialsForecastPublic, ...] = Field(description="One for each fidelity.")
    runs: RunsForecastPublic | None = Field(description="Of a differentiable search.")
