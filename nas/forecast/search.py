"""From a spec and what was measured before to what the search will cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nas.forecast.halving import expected_at_rungs
from nas.forecast.measured_times import MeasuredTimes
from nas.forecast.steps import StepCost, Stretch, fit, step_key
from nas.kinds.registry import kind_of
from nas.specs import AutoDeepLabSpec, Fidelity, SearchSpec
from nas.store import RungTime

SAME = "the same fidelity"
ALIKE = "a fidelity of the same cost a step"

NOTHING = (
    "nothing has been measured at a fidelity that costs the same; submit it with trials: 2 first, or "
    "`segnas submit SPEC.yaml --dry-run --measure`"
)
NO_EPOCHS = (
    "no run has been through such epochs, before and after alpha and beta begin to move; "
    "`segnas submit SPEC.yaml --dry-run --measure` runs two"
)


@dataclass(frozen=True)
class RungForecast:
    """`trials` are expected to get to `iteration`, each in `seconds` from the rung before (None: nobody knows).

    `measured` trials have been there at this very fidelity; 0: the time is read off a line through other rungs.
    """

    iteration: int
    trials: float
    seconds: float | None
    measured: int


@dataclass(frozen=True)
class TrialsForecast:
    """The trials of one fidelity (`path` in the spec): `seconds` and `device_seconds` of all of them together.

    `basis` says whose times these are, `measured` how many trials that is, `measured_to` their deepest iteration.
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
    """The runs of a differentiable search, which a remedy may end earlier: device-seconds of all of them together.

    `measured` epochs were timed, with and without alpha and beta moving.
    """

    runs: int
    epochs: int
    device_seconds: float | None
    measured: int


@dataclass(frozen=True)
class Forecast:
    """What a search is expected to cost: its trials' and its runs' device time, and how long that takes (`seconds`).

    None where something has no measurement to rest on; `reason` says what. Not in it: preparation (backbone, features),
    the start of processes, waiting for a machine. All times are means, over the architectures that were measured.
    """

    trials: int
    device_seconds: float | None
    seconds: float | None
    basis: str | None
    reason: str | None
    parts: tuple[TrialsForecast, ...]
    runs: RunsForecast | None


def forecast(spec: SearchSpec, times: MeasuredTimes) -> Forecast:
    """The forecast of a search, from times of comparable ones (`comparable_times`)."""
    kind = kind_of(spec)
    counts, reduction, differentiable = kind.trial_counts(spec), kind.reduction(spec), kind.runs(spec)
    parts = tuple(
        _trials(path, fidelity, expected_at_rungs(counts[path], len(fidelity.rungs), reduction), counts[path], times)
        for path, fidelity in spec.fidelities.items()
    )
    runs = None if differentiable is None else _runs(differentiable, times)
    missing = [NOTHING] * any(part.device_seconds is None for part in parts)
    missing += [NO_EPOCHS] * (runs is not None and runs.device_seconds is None)
    return Forecast(
        trials=sum(part.trials for part in parts),
        device_seconds=_sum([part.device_seconds for part in parts] + ([] if runs is None else [runs.device_seconds])),
        seconds=_wall(spec, parts, runs),
        basis=None if missing else "; ".join(_said(parts, runs)),
        reason="; ".join(missing) or None,
        parts=parts,
        runs=runs,
    )


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
    """Each rung's own time where it was measured at this fidelity, else the line's."""
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
    """Device-seconds per second: the devices that a trial holds, or what part of one."""
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
    """At the same time run `concurrent` trials (then as many runs): the work shared out, but one trial's at least."""
    concurrent = spec.resources.concurrent
    took: list[float | None] = []
    for part in parts:
        longest = _sum([rung.seconds for rung in part.rungs if rung.trials >= 1])
        together = part.seconds
        took.append(None if together is None or longest is None else max(together / concurrent, longest))
    if runs is not None:
        rounds = math.ceil(runs.runs / concurrent) / runs.runs
        devices = spec.resources.gpus or 1.0
        took.append(None if runs.device_seconds is None else runs.device_seconds * rounds / devices)
    return _sum(took)


def _said(parts: Sequence[TrialsForecast], runs: RunsForecast | None) -> Iterator[str]:
    """What the numbers rest on, in words."""
    for part in parts:
        name = f"{part.path}: " if len(parts) > 1 else ""
        beyond = ""
        if part.measured_to is not None and part.measured_to < part.rungs[-1].iteration:
            beyond = f", measured up to iteration {part.measured_to} and continued from there"
        yield f"{name}{part.measured} trial{'s' * (part.measured != 1)} at {part.basis}{beyond}"
    if runs is not None:
        yield f"{runs.measured} epoch{'s' * (runs.measured != 1)} of such runs"


def _sum(values: Sequence[float | None]) -> float | None:
    """None when one of them is."""
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
