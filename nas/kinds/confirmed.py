"""What its newest confirmation says about a search, as the search's page shows it."""

from __future__ import annotations

from nas.kinds.confirmation import found_trials, newest_confirmation
from nas.results.status import SearchStatus
from nas.schemas.panels import LinkPublic, LinksPanel
from nas.specs import ConfirmationSpec
from nas.store import SearchRecord, Store


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
