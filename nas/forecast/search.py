"""The forecast of a search: from its spec and measured times to device time and duration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nas.forecast.halving import expected_at_rungs
from nas.forecast.measured_times import MeasuredTimes
from nas.forecast.steps import StepCost, Stretch, fit, step_key
from nas.formatting import counted
from nas.kinds.protocol import FollowUp
from nas.kinds.registry import kind_of
from nas.specs import AutoDeepLabSpec, Fidelity, SearchSpec
from nas.store import RungTime

SAME = "the same fidelity"
ALIKE = "a fidelity of the same cost a step"

NOTHING = "nothing has been measured at a fidelity that costs the same"
NO_EPOCHS = "no run has been through such epochs, before and after alpha and beta are first trained"


@dataclass(frozen=True)
class RungForecast:
    """How many trials reach one rung, and how long a trial takes from the rung before.

    Attributes:
        iteration: The rung.
        trials: Expected number of trials that reach the rung.
        seconds: Of one trial from the rung before; None without any measurement to rest on.
        measured: Trials that have reached the rung at this very fidelity. With 0, `seconds` is a line through other
            rungs.
    """

    iteration: int
    trials: float
    seconds: float | None
    measured: int


@dataclass(frozen=True)
class TrialsForecast:
    """Expected cost of all trials at one fidelity of the spec.

    Attributes:
        path: Of the fidelity in the spec.
        trials: Number of trials.
        rungs: By iteration.
        seconds: Sum over the trials; None without any measurement to rest on.
        device_seconds: Sum over the trials; None without any measurement to rest on.
        basis: At which fidelity the times were measured, in words.
        measured: Number of trials that were timed.
        measured_to: Deepest iteration that was timed.
    """

    path: str
    trials: int
    rungs: tuple[RungForecast, ...]
    seconds: float | None
    device_seconds: float | None
    basis: str | None
    measured: int
    measured_to: int | None


@dataclass(frozen=True)
class RunsForecast:
    """Expected cost of the runs of a differentiable search, which a stopping rule may end earlier.

    Attributes:
        runs: Number of runs.
        epochs: Of one run.
        device_seconds: Of all runs together; None without any measurement to rest on.
        measured: Number of epochs that were timed.
    """

    runs: int
    epochs: int
    device_seconds: float | None
    measured: int


@dataclass(frozen=True)
class Forecast:
    """What a search is expected to cost.

    All times are means over the architectures that were measured. Preparation (backbone, features), the start of
    processes and waiting for a machine are not included.

    Attributes:
        trials: Number of trials.
        device_seconds: Of all trials and runs; None where a part has no measurement to rest on.
        seconds: Duration from the first trial to the last; None where a part has no measurement to rest on.
        basis: What was measured, as a sentence.
        reason: Why a time is None.
        parts: The trials, by fidelity.
        runs: The runs of a differentiable search; None for another kind.
        follow_up: The trials of the search that follows it by itself, such as its confirmation, which are not in the
            sums above, at the mean times of its own trials; None where none follows.
    """

    trials: int
    device_seconds: float | None
    seconds: float | None
    basis: str | None
    reason: str | None
    parts: tuple[TrialsForecast, ...]
    runs: RunsForecast | None
    follow_up: TrialsForecast | None = None


def forecast(spec: SearchSpec, times: MeasuredTimes) -> Forecast:
    """Forecast a search from the times of comparable searches.

    Args:
        spec: The search's spec.
        times: As `comparable_times` collects them.
    """
    kind = kind_of(spec)
    counts, reduction, differentiable = kind.trial_counts(spec), kind.reduction(spec), kind.runs(spec)
    parts = tuple(
        _trials(path, fidelity, expected_at_rungs(counts[path], len(fidelity.rungs), reduction), counts[path], times)
        for path, fidelity in spec.fidelities.items()
    )
    runs = None if differentiable is None else _runs(differentiable, times)
    after = kind.expected_follow_up(spec)
    missing = [NOTHING] * any(part.device_seconds is None for part in parts)
    missing += [NO_EPOCHS] * (runs is not None and runs.device_seconds is None)
    return Forecast(
        trials=sum(part.trials for part in parts),
        device_seconds=_sum([part.device_seconds for part in parts] + ([] if runs is None else [runs.device_seconds])),
        seconds=_wall(spec, parts, runs),
        basis=None if missing else "; ".join(_basis(parts, runs)),
        reason="; ".join(missing) or None,
        parts=parts,
        runs=runs,
        follow_up=None if after is None else _follow_up(after, times),
    )


def _follow_up(after: FollowUp, times: MeasuredTimes) -> TrialsForecast:
    reached = expected_at_rungs(after.trials, len(after.fidelity.rungs), None)
    return _trials("follow_up", after.fidelity, reached, after.trials, times)


def _trials(
    path: str, fidelity: Fidelity, reached: Sequence[float], count: int, known: MeasuredTimes
) -> TrialsForecast:
    rungs_of = known.fidelities or {}
    key = step_key(fidelity, known.whole_network)
    alike = {other_key for other_key, other in rungs_of.items() if step_key(other, known.whole_network) == key}
    times = [time for time in known.rungs if time.fidelity_key in alike]
    same = [time for time in times if time.fidelity_key == fidelity.key]
    line = fit([_stretch(time, rungs_of[time.fidelity_key]) for time in times])
    rungs = tuple(_rungs(fidelity, reached, same, line))
    exact = all(rung.measured for rung in rungs)
    used = same if exact else times
    seconds = _sum([None if rung.seconds is None else rung.trials * rung.seconds for rung in rungs])
    return TrialsForecast(
        path=path,
        trials=count,
        rungs=rungs,
        seconds=seconds,
        device_seconds=None if seconds is None else seconds * _devices(used),
        basis=None if line is None else SAME if exact or len(same) == len(times) else ALIKE,
        measured=sum(time.trials for time in used if time.iteration == rungs_of[time.fidelity_key].rungs[0]),
        measured_to=max((time.iteration for time in used), default=None),
    )


def _rungs(
    fidelity: Fidelity, reached: Sequence[float], same: Sequence[RungTime], line: StepCost | None
) -> Iterator[RungForecast]:
    """The forecast of each rung: the mean time at this fidelity where measured, otherwise the fitted line's time."""
    for (before, iteration), trials in zip(pairwise((0, *fidelity.rungs)), reached, strict=True):
        here = [time for time in same if time.iteration == iteration]
        measured = sum(time.trials for time in here)
        seconds: float | None = None
        if measured:
            seconds = math.fsum(time.trials * time.mean_seconds for time in here) / measured
        elif line is not None:
            seconds = line.seconds(iteration - before, before == 0)
        yield RungForecast(iteration, trials, seconds, measured)


def _stretch(time: RungTime, fidelity: Fidelity) -> Stretch:
    place = fidelity.rungs.index(time.iteration)
    before = fidelity.rungs[place - 1] if place else 0
    return Stretch(time.iteration - before, place == 0, time.trials, time.mean_seconds)


def _devices(times: Sequence[RungTime]) -> float:
    """Device-seconds per second: the number of devices, or the fraction of one device, that a trial holds."""
    seconds = math.fsum(time.trials * time.mean_seconds for time in times)
    return math.fsum(time.trials * time.mean_device_seconds for time in times) / seconds if seconds else 1.0


def _runs(spec: AutoDeepLabSpec, known: MeasuredTimes) -> RunsForecast:
    bilevel = spec.bilevel
    epochs = {False: bilevel.architecture_from_epoch, True: bilevel.epochs - bilevel.architecture_from_epoch}
    times = {moving: [time.device_seconds for time in known.epochs if time.moving is moving] for moving in epochs}
    measured = sum(len(found) for moving, found in times.items() if epochs[moving])
    of_all: float | None = None
    if all(times[moving] or not count for moving, count in epochs.items()):
        of_one = math.fsum(count * _mean(times[moving]) for moving, count in epochs.items() if count)
        of_all = spec.seeds * of_one
    return RunsForecast(spec.seeds, bilevel.epochs, of_all, measured)


def _wall(spec: SearchSpec, parts: Sequence[TrialsForecast], runs: RunsForecast | None) -> float | None:
    """Duration with `concurrent` trials (then runs) at a time: the work divided, but at least one trial's own time."""
    concurrent = spec.resources.concurrent
    durations: list[float | None] = []
    for part in parts:
        longest = _sum([rung.seconds for rung in part.rungs if rung.trials >= 1])
        together = part.seconds
        durations.append(None if together is None or longest is None else max(together / concurrent, longest))
    if runs is not None:
        rounds = math.ceil(runs.runs / concurrent) / runs.runs
        devices = spec.resources.gpus or 1.0
        durations.append(None if runs.device_seconds is None else runs.device_seconds * rounds / devices)
    return _sum(durations)


def _basis(parts: Sequence[TrialsForecast], runs: RunsForecast | None) -> Iterator[str]:
    for part in parts:
        name = f"{part.path}: " if len(parts) > 1 else ""
        beyond = ""
        if part.measured_to is not None and part.measured_to < part.rungs[-1].iteration:
            beyond = f", measured up to iteration {part.measured_to} and continued from there"
        yield f"{name}{counted(part.measured, 'trial')} at {part.basis}{beyond}"
    if runs is not None:
        yield f"{counted(runs.measured, 'epoch')} of such runs"


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum; None when one of the values is None."""
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
