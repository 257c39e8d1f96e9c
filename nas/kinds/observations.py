"""Recorded trials as a strategy is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nas.kinds.protocol import Records
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


def scored(
    trials: Iterable[TrialRecord], goals: Goals = MIOU, curves: Mapping[int, Sequence[Measurement]] | None = None
) -> Iterator[Observation]:
    """Make the observations of the trials that ended with a score.

    Args:
        trials: Of one search.
        goals: Of that search.
        curves: Measurements by the number of the trial; only needed where there are several objectives.
    """
    for trial in trials:
        curve = (curves or {}).get(trial.number)
        observation = observation_of(trial, goals, curve[-1] if curve else None)
        if observation.scored:
            yield observation


def scored_at_creation(search_id: str, origin: str, records: Records) -> Iterator[Observation]:
    """Make the observations of the trials of an origin that had ended with a score when a search was created.

    A search that learns from another one sees it as it was then, so that a driver that takes over learns the same,
    whatever has been resumed or extended since.

    Args:
        search_id: The search.
        origin: One of the searches that it starts from.
        records: The recorded searches.
    """
    trials = records.trials_until(origin, records.get_search(search_id).origins[origin])
    goals = records.get_search(origin).spec.goals
    return scored(trials, goals, records.measurements(origin) if goals.several else None)
