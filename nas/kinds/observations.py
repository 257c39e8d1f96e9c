"""Recorded trials as a strategy is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nas.kinds.protocol import Records
from nas.store import TrialRecord
from nas.strategies import Observation


def observation_of(trial: TrialRecord) -> Observation:
    """Make the observation of a trial, under its own number."""
    status = str(trial.status)
    return Observation(trial.number, trial.architecture, status, trial.score, trial.iteration, trial.unjudged)


def scored(trials: Iterable[TrialRecord]) -> Iterator[Observation]:
    """Make the observations of the trials that ended with a score."""
    return (seen for seen in map(observation_of, trials) if seen.scored)


def scored_at_creation(search_id: str, origin: str, records: Records) -> Iterator[Observation]:
    """Make the observations of the trials of an origin that had ended with a score when a search was created.

    A search that learns from another one sees it as it was then, so that a driver that takes over learns the same,
    whatever has been resumed or extended since.

    Args:
        search_id: The search.
        origin: One of the searches that it starts from.
        records: The recorded searches.
    """
    return scored(records.trials_until(origin, records.get_search(search_id).origins[origin]))
