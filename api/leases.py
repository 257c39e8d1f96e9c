"""One service's leases of searches: kept by a beat, taken from a service whose beat has stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nas.store import Lease, Store

BEAT_SECONDS = 2.0
"""How often a service shows that it is alive."""

SILENT_SECONDS = 6.0
"""A lease is taken from its owner when its beat has been the same for so long."""

LONGEST_LOOK = 3.0
"""What lies between two looks counts for at most so long: the machine may have slept, or the database have been away,
so that nobody could beat."""


@dataclass
class _Seen:
    lease: Lease
    looked: float
    silent: float = 0.0


class LeaseKeeper:
    """The leases of one service.

    Args:
        store: Where the leases are.
        owner: The name of the service, unlike that of any other.
        clock: A monotonic clock in seconds; its zero does not matter.
    """

    def __init__(self, store: Store, owner: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._held: set[str] = set()
        self._beaten = clock()

    def tend(self) -> set[str]:
        """Beat the leases of this service, and take those that are free or whose owner is silent.

        Returns:
            The ids of the searches that this service attends to.

        Raises:
            StoreError: The database cannot be used.
        """
        if self._held:
            self.beat()
        found = self._store.leases()
        self._seen = {search_id: seen for search_id, seen in self._seen.items() if search_id in found}
        self._held = {search_id for search_id, lease in found.items() if self._holds(search_id, lease)}
        return set(self._held)

    def beat(self, after: float = 0.0) -> None:
        """Show that this service is alive, if its last beat is at least `after` seconds ago."""
        if self._clock() - self._beaten >= after:
            self._store.beat_leases(self._owner)
            self._beaten = self._clock()

    def release(self) -> None:
        """Give all leases of this service back."""
        self._store.release_leases(self._owner)
        self._held = set()

    def _holds(self, search_id: str, lease: Lease) -> bool:
        if lease.owner == self._owner:
            return True
        free = lease.owner is None or self._is_silent(search_id, lease)
        return free and self._store.take_lease(search_id, self._owner, lease)

    def _is_silent(self, search_id: str, lease: Lease) -> bool:
        seen = self._seen.get(search_id)
        if seen is None or seen.lease != lease:
            self._seen[search_id] = _Seen(lease, self._clock())
            return False
        now = self._clock()
        seen.silent += min(now - seen.looked, LONGEST_LOOK)
        seen.looked = now
        return seen.silent >= SILENT_SECONDS
