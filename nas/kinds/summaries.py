"""What answers say of searches in summary: counts, cost, and which trial is the best, after all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas.kinds.confirmation import KIND as CONFIRMATION
from nas.kinds.decided import decided, decides
from nas.kinds.registry import kind_of
from nas.results.status import SearchStatus
from nas.store import Overview, SearchRecord, Store, TrialRecord
from search_spaces.document import Confirmed


@dataclass(frozen=True, slots=True)
class Summary:
    """A search in summary.

    Attributes:
        overview: Its counts and cost, and the first trial of its leaderboard.
        best: The trial that is its answer so far: the first of the leaderboard, unless a confirmation prefers another
            one. None while there is none.
        confirmed: What the confirmation measured of `best`; None where the leaderboard alone decides.
    """

    overview: Overview
    best: TrialRecord | None
    confirmed: Confirmed | None = None

    @property
    def passed_over(self) -> TrialRecord | None:
        """The first trial of the leaderboard where `best` is of another architecture; else None."""
        first, best = self.overview.best, self.best
        return None if first is None or best is None or best.architecture_key == first.architecture_key else first


def summary(search: SearchRecord, store: Store) -> Summary:
    """Summarise one search."""
    return summaries([search], store)[search.id]


def summaries(searches: Sequence[SearchRecord], store: Store) -> dict[str, Summary]:
    """Summarise searches, by id, in a number of statements that does not depend on how many there are.

    The one place that says which trial is the best of a search. Once its newest confirmation is completed, that is the
    one with the highest mean over fresh seeds there, as long as that confirmation decides (`nas.kinds.decided`).
    `nas.kinds.origin_best` says the same of a search as it was when another one was created that starts from it.
    """
    overviews = store.overviews([search.id for search in searches])
    chosen = _chosen(searches, overviews, store)
    elsewhere = [
        (search_id, number)
        for search_id, (number, _) in chosen.items()
        if number is not None and _number(overviews[search_id].best) != number
    ]
    trials = store.trials_at(elsewhere) if elsewhere else {}
    found = {}
    for search_id, overview in overviews.items():
        number, confirmed = chosen.get(search_id, (_number(overview.best), None))
        best = overview.best if _number(overview.best) == number else trials.get(search_id)
        found[search_id] = Summary(overview, best, confirmed)
    return found


def _number(trial: TrialRecord | None) -> int | None:
    return None if trial is None else trial.number


def _chosen(
    searches: Sequence[SearchRecord], overviews: Mapping[str, Overview], store: Store
) -> dict[str, tuple[int | None, Confirmed | None]]:
    """The best trial of each search whose best is decided by a confirmation, and what that measured of it."""
    deciding = {
        search.id: named
        for search in searches
        if (named := kind_of(search.spec).confirmed_by(search, overviews[search.id].children)) is not None
    }
    if not deciding:
        return {}
    read = {search.id: search for search in searches}
    unread = set(deciding.values()) - read.keys()
    confirmations = {**read, **(store.find_searches(unread) if unread else {})}
    rows = store.measured_again(set(deciding.values()))
    found = {}
    for search in searches:
        confirmation = confirmations.get(deciding.get(search.id, ""))
        spec = None if confirmation is None else CONFIRMATION.own(confirmation.spec)
        if confirmation is None or spec is None:
            continue
        again = [row for row in rows[confirmation.id] if row.found in spec.trials]
        number, confirmed = decided(confirmation.id, spec, again)
        first, completed = overviews[search.id].best, confirmation.status is SearchStatus.COMPLETED
        if search.id == confirmation.id:
            own = min((row.number for row in again if row.found == number), default=None)
            found[search.id] = own, confirmed
        elif number is not None and completed and first is not None and decides(search, first, spec, again):
            found[search.id] = number, confirmed
    return found
