"""What its newest confirmation says about a search: which of its architectures is the best after all."""

from __future__ import annotations

from dataclasses import dataclass

from nas.kinds.confirmation import found_trials, newest_confirmation
from nas.results.status import SearchStatus
from nas.schemas.panels import LinkPublic, LinksPanel
from nas.specs import ConfirmationSpec
from nas.store import SearchRecord, Store, TrialRecord
from search_spaces.document import Confirmed


@dataclass(frozen=True)
class ConfirmedBest:
    """The best architecture of a search by its confirmation.

    Attributes:
        trial: The trial of the search that found it.
        confirmed: What the confirmation measured of it.
    """

    trial: TrialRecord
    confirmed: Confirmed


def confirmed_best(search: SearchRecord, store: Store) -> ConfirmedBest | None:
    """Find the best architecture of a search by its newest confirmation.

    None where there is no confirmation, it is not completed, or the search has found a better trial since: one that
    stands first and that it did not measure.
    """
    found = newest_confirmation(search.id, store)
    if found is None or found[0].status is not SearchStatus.COMPLETED:
        return None
    record, spec = found
    first = store.best_trial(search.id)
    if first is None or first.number not in spec.trials:
        return None
    from nas.ranking.confirmation import confirmation  # SciPy: not at the service's start

    trials = {trial.architecture_key: trial for trial in found_trials(spec, store)}
    answer = confirmation(spec, list(trials.values()), store.all_trials(record.id))
    row = next((row for row in answer.rows if row.architecture_key == answer.winner), None)
    if row is None or row.mean is None:
        return None
    measured = Confirmed(
        search=record.id, score=row.mean, spread=row.spread, seeds=len(row.scores), kept_back=spec.kept_back
    )
    return ConfirmedBest(trials[row.architecture_key], measured)


def confirmation_links(search: SearchRecord, store: Store) -> tuple[LinksPanel, ...]:
    """Make the panel that leads from a search to its newest confirmation, with what that says; none without one."""
    found = newest_confirmation(search.id, store)
    if found is None:
        return ()
    record, spec = found
    link = LinkPublic(text=_says(record, spec, store), link=f"confirmation {record.id}", target=f"#/{record.id}")
    return (LinksPanel(title="Confirmation", links=(link,)),)


def _says(record: SearchRecord, spec: ConfirmationSpec, store: Store) -> str:
    from nas.ranking.confirmation import confirmation  # SciPy: not at the service's start

    answer = confirmation(spec, found_trials(spec, store), store.all_trials(record.id))
    state = "" if record.status is SearchStatus.COMPLETED else f" ({record.status})"
    return f"{answer.sentence[:-1]}{state}:"
