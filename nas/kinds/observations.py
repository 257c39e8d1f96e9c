"""Recorded trials as a strategy is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nas.results.measurement import Measurement
from nas.specs import MIOU, Goals
from nas.store import TrialRecord
from nas.strategies import Observation


def observation_of(trial: TrialRecord, goals: Goals, last: Measurement | None) -> Observation:
    """Make the observation of a trial, under its own number.

    Args:
        trial: As recorded.
        goals: Of its search.
        last: Its measurement at its deepest rung; only read where there are several objectives.
    """
    status = str(trial.status)
    values = () if last is None or not goals.several else goals.values(last) or ()
    return Observation(trial.number, trial.architecture, status, trial.value, trial.iteration, trial.unjudged, values)


def scored_by(
    trials: Iterable[TrialRecord],
    time: float,
    goals: Goals = MIOU,
    curves: Mapping[int, Sequence[Measurement]] | None = None,
) -> Iterator[Observation]:
    """Make the observations of the trials that had ended with a score at a time, in seconds since the epoch.

    A search that learns from another one sees it as it was when the search was created, so that a driver that takes
    over learns the same, whatever has been resumed or extended since.

    Args:
        trials: Of the other search.
        time: Later ends do not count.
        goals: Of the other search.
        curves: Measurements by the number of the trial; only needed where there are several objectives.
    """
    for trial in trials:
        if trial.finished_at is not None and trial.finished_at <= time:
            curve = (curves or {}).get(trial.number)
            observation = observation_of(trial, goals, curve[-1] if curve else None)
            if observation.scored:
                yield observation
