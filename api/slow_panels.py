"""The panels of a search that take long to make: kept from answer to answer, one state for page and report."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from api.stale_cache import Found, StaleCache
from nas.kinds.confirmation import newest_confirmation
from nas.kinds.registry import kind_of
from nas.schemas.panels import Panel
from nas.store import SearchRecord, Store

Panels = tuple[Panel, ...]


class SlowPanels:
    """The slow panels of one search as it is now, by their names.

    Args:
        search: The search.
        store: Holds its results.
        kept: Keeps the panels of all searches.
    """

    def __init__(self, search: SearchRecord, store: Store, kept: StaleCache[Panels]) -> None:
        self._search, self._store, self._kept = search, store, kept
        self._makers: Mapping[str, Callable[[], Panels]] = kind_of(search.spec).slow_panels(search, store)
        self._state: Hashable = None
        if self._makers:
            # A confirmation may say that another trial is the best.
            confirmed = newest_confirmation(search.id, store)
            decided = None if confirmed is None else (confirmed[0].id, confirmed[0].status, confirmed[0].updated_at)
            self._state = (store.last_change(search.id), search.status, decided)

    def last(self) -> list[Found[Panels]]:
        """Return the last panels of each name, which may be older ones while newer ones are being made."""
        return [self._kept.get((self._search.id, name), self._state, make) for name, make in self._makers.items()]

    def present(self, name: str, make: Callable[[], Panels]) -> Panels:
        """Return the panels of a name as they are now, however long that takes."""
        return self._kept.present((self._search.id, name), self._state, make)
