"""The best trial of a search that another one starts from: as it is now, and as it was when the other was created."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nas.kinds.confirmation import KIND as CONFIRMATION
from nas.kinds.confirmation import newest_confirmation
from nas.kinds.decided import decided, decides
from nas.kinds.observations import scored
from nas.kinds.protocol import Records
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import ConfirmationSpec
from nas.store import MeasuredAgain, SearchRecord, TrialRecord
from nas.strategies.standings import Standings


class _Confirmed(NamedTuple):
    """A completed confirmation, and its trials."""

    id: str
    spec: ConfirmationSpec
    trials: Sequence[TrialRecord]


def completed_confirmation(origin: str, records: Records) -> str | None:
    """Find the confirmation that may decide which trial of a search is the best: the newest, once it is completed."""
    found = newest_confirmation(origin, records)
    return None if found is None or found[0].status is not SearchStatus.COMPLETED else found[0].id


def best_now(origin: SearchRecord, records: Records) -> TrialRecord | None:
    """Choose the best trial of a search, as `nas.kinds.summaries` does; None before any has ended with a score.

    Args:
        origin: The search.
        records: The recorded searches.
    """
    name = completed_confirmation(origin.id, records)
    confirmed = None if name is None else _read(name, records.all_trials(name), records)
    return _best(origin, records.all_trials(origin.id), confirmed)


def best_at_creation(search: SearchRecord, origin: str, records: Records) -> TrialRecord | None:
    """Choose the trial of an origin that was its best when a search was created, whatever has been measured since.

    A driver that takes over therefore starts from the same one.

    Args:
        search: The search.
        origin: One of the searches that it starts from.
        records: The recorded searches.
    """
    confirmed = None
    for other, sequence in search.origins.items():
        if other not in search.spec.origins and records.get_search(other).parent == origin:
            confirmed = _read(other, records.trials_until(other, sequence), records)
    trials = records.trials_until(origin, search.origins[origin])
    return _best(records.get_search(origin), trials, confirmed)


def _read(confirmation: str, trials: Sequence[TrialRecord], records: Records) -> _Confirmed | None:
    spec = CONFIRMATION.own(records.get_search(confirmation).spec)
    return None if spec is None else _Confirmed(confirmation, spec, trials)


def _best(origin: SearchRecord, trials: Sequence[TrialRecord], confirmed: _Confirmed | None) -> TrialRecord | None:
    first = _first(trials)
    if first is None or confirmed is None:
        return first
    again = list(_again(confirmed, trials))
    number, _ = decided(confirmed.id, confirmed.spec, again)
    if number is None or not decides(origin, first, confirmed.spec, again):
        return first
    return next((trial for trial in trials if trial.number == number), first)


def _first(trials: Iterable[TrialRecord]) -> TrialRecord | None:
    """The first of the leaderboard among the trials that have ended with a score."""
    recorded, standings = {trial.number: trial for trial in trials}, Standings()
    candidates = list(scored(recorded.values()))
    for observation in candidates:
        standings.note(observation)
    if not candidates:
        return None
    return recorded[max(candidates, key=lambda seen: (standings.of(seen), -seen.number)).number]


def _again(confirmed: _Confirmed, trials: Iterable[TrialRecord]) -> Iterable[MeasuredAgain]:
    """What `Store.measured_again` reads, of the trials that are confirmed."""
    found: dict[str, list[int]] = {}
    for trial in trials:
        if trial.number in confirmed.spec.trials:
            found.setdefault(trial.architecture_key, []).append(trial.number)
    for trial in confirmed.trials:
        if trial.status is TrialStatus.COMPLETED and trial.value is not None:
            for number in found.get(trial.architecture_key, ()):
                yield MeasuredAgain(number, trial.number, trial.architecture_key, trial.seed, trial.value)
