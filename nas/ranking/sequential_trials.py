"""The course of a sequential calibration, from the trials that have ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np

from nas.ranking.correlation import Floats
from nas.ranking.sequential import Course, Rule, follow
from nas.results.status import TrialStatus
from nas.specs import CalibrationSpec
from nas.specs.calibration_trials import Place, TrialNumbers
from nas.store.records import TrialRecord


class Outcome(NamedTuple):
    """How a trial ended.

    Attributes:
        score: NaN where it failed.
        device_seconds: What it cost.
    """

    score: float
    device_seconds: float


def rule_of(spec: CalibrationSpec) -> Rule:
    """Return when a sequential calibration looks, and when it is sure."""
    given = spec.sequential
    assert given is not None, spec.name
    return Rule(spec.least_rho, spec.architectures, given.first, given.step, given.cheap, given.sure, given.within)


def outcomes(trials: Iterable[TrialRecord]) -> dict[int, Outcome]:
    """Read how trials ended, by their numbers; those that run are left out."""
    return {
        trial.number: Outcome(
            trial.score if trial.status is TrialStatus.COMPLETED and trial.score is not None else math.nan,
            trial.device_seconds or 0.0,
        )
        for trial in trials
        if trial.status.terminal and trial.status is not TrialStatus.STOPPED
    }


def course_of(spec: CalibrationSpec, ended: Mapping[int, Outcome]) -> Course:
    """Follow a sequential calibration as far as its trials have ended.

    Args:
        spec: A calibration with `sequential`.
        ended: How trials ended, by their numbers.
    """
    rule, numbers = rule_of(spec), TrialNumbers(spec)
    found = {
        name: list(_leading(ended, [numbers.number(Place(name, at)) for at in range(numbers.cheap)]))
        for name in numbers.names
    }
    cheap = {name: np.array([outcome.score for outcome in of]) for name, of in found.items()}

    def full(chosen: Sequence[int]) -> Floats:
        seeds = range(spec.seeds)
        scores = [
            [outcome.score for outcome in _leading(ended, [numbers.number(Place(None, at, seed)) for at in chosen])]
            for seed in seeds
        ]
        return np.array(list(zip(*scores, strict=False)), dtype=np.float64).reshape(-1, spec.seeds)

    # The order is fixed by the first look's architectures: times of later ones must not change what was decided.
    first = rule.looks()[0] * rule.cheap
    order = numbers.names
    if all(len(of) >= first for of in found.values()):
        order = tuple(sorted(order, key=lambda name: _seconds(found[name][:first])))
    return follow(order, cheap, full, rule)


def _leading(ended: Mapping[int, Outcome], numbers: Iterable[int]) -> Iterator[Outcome]:
    """Yield how the trials of these numbers ended, up to the first that has not."""
    for number in numbers:
        if number not in ended:
            return
        yield ended[number]


def _seconds(of: Iterable[Outcome]) -> float:
    times = [outcome.device_seconds for outcome in of if math.isfinite(outcome.score)]
    return fmean(times) if times else math.inf
