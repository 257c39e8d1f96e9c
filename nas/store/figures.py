"""What charts, panels and forecasts read of a search: sums over its trials, and parts of them, as frozen values.

Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nas.results.status import TrialStatus
from nas.store.records import TrialRecord
from search_spaces.latency import Latency


@dataclass(frozen=True, slots=True)
class SearchCost:
    """The cost of a search so far.

    Attributes:
        device_seconds: Of the trials that ran and of the differentiable runs.
        measured: The number of trials that ran and measured something.
        adopted: The number of adopted trials, which cost nothing.
    """

    device_seconds: float
    measured: int
    adopted: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The trials of a search in summary: counts by status (zeros included), the best trial so far, the cost.

    Attributes:
        children: Of each kind the id of the newest search that belongs to this one.
        failed_runs: How many differentiable runs have failed.
    """

    trials: Mapping[TrialStatus, int]
    best: TrialRecord | None
    cost: SearchCost
    children: Mapping[str, str] = field(default_factory=dict)
    failed_runs: int = 0


@dataclass(frozen=True, slots=True)
class RungTime:
    """The mean time from one rung to the next, over the trials of one search at one fidelity.

    Attributes:
        iteration: The rung where the time ends; it begins at the rung before, or at the start of the trial.
        trials: The number of trials that measured this rung, over which the means are.
    """

    search_id: str
    fidelity_key: str
    iteration: int
    trials: int
    mean_seconds: float
    mean_device_seconds: float


class RungPoint(NamedTuple):
    """A trial at one rung: its mIoU, or its value of the objective that was asked for, and its device-seconds."""

    iteration: int
    score: float
    device_seconds: float


class EpochEnd(NamedTuple):
    """The end of one recorded epoch of a differentiable run: its device-seconds since the start of the run."""

    run: int
    epoch: int
    device_seconds: float


class DrawnScore(NamedTuple):
    """A trial as a chart of the first objective's value by trial shows it."""

    number: int
    value: float
    status: TrialStatus


class RungResult(NamedTuple):
    """What a trial measured at one rung, as far as objectives read it; see `nas.results.measurement.Measurement`."""

    number: int
    iteration: int
    score: float
    parameters: int | None
    multiply_adds: int | None
    class_iou: tuple[float | None, ...]
    latency: Latency | None


class MeasuredAgain(NamedTuple):
    """A completed trial whose architecture was measured before, by the search that its search belongs to.

    Attributes:
        found: Number of the trial of that search.
        number: Its own number.
        value: Of its search's first objective.
    """

    found: int
    number: int
    architecture_key: str
    seed: int
    value: float


class BestStep(NamedTuple):
    """A trial that is better than all before it, and what its search had spent by then.

    Attributes:
        trials: How many trials there are up to this one.
        value: Of the first objective of the search.
        device_seconds: Of these trials; an adopted one cost nothing.
    """

    trials: int
    value: float
    device_seconds: float


class RungCount(NamedTuple):
    """How many trials of one status have measured one rung and no deeper one; None: they have measured none."""

    status: TrialStatus
    iteration: int | None
    trials: int


class SizedScore(NamedTuple):
    """The value of a trial's first objective at its deepest rung, and the size of what it trained."""

    number: int
    value: float
    parameters: int
    multiply_adds: int


class Failure(NamedTuple):
    """How many trials failed for one reason, and the lowest number of them."""

    reason: str | None
    trials: int
    first: int


class TrialSpan(NamedTuple):
    """When a trial was begun, last changed and ended, and where it ran.

    `finished_at` is None while it runs; `node` is None before its first result, and where it was not recorded.
    """

    number: int
    status: TrialStatus
    created_at: float
    updated_at: float
    finished_at: float | None
    node: str | None = None
