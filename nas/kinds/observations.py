"""Recorded trials as a strategy is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nas.store import TrialRecord
from nas.strategies import Observation


def observation_of(trial: TrialRecord) -> Observation:
    """Make the observation of a trial, under its own number."""
    status = str(trial.status)
    return Observation(trial.number, trial.architecture, status, trial.score, trial.iteration, trial.unjudged)


def scored_by(trials: Iterable[TrialRecord], time: float) -> Iterator[Observation]:
    """Make the observations of the trials that had ended with a score at a time, in seconds since the epoch.

    A search that learns from another one sees it as it was when the search was created, so that a driver that takes
    over learns the same, whatever has been resumed or extended since.
    """
    for trial in trials:
        if trial.finished_at is not None and trial.finished_at <= time:
            observation = observation_of(trial)
            if observation.scored:
                yield observation
