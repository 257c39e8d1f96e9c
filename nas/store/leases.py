"""Leases: which service attends to which search. No clock is read here: a lease lives by its beat."""

from __future__ import annotations

from sqlalchemy import select, update

from nas.store.engine import Database
from nas.store.records import Lease
from nas.store.tables import SearchRow
from nas.store.transitions import ATTENDED


class Leases(Database):
    """The columns `lease_owner` and `lease_beat` of `searches`, written by reconcilers.

    An owner increases the beat of its leases every few seconds. Another service that has seen the same beat for long
    enough, by its own monotonic clock, takes the lease by compare-and-set of owner and beat, which fails where the
    owner has shown itself meanwhile.
    """

    def leases(self) -> dict[str, Lease]:
        """Read the leases of all searches that are neither over nor paused, by the search's id."""
        statement = select(SearchRow.id, SearchRow.lease_owner, SearchRow.lease_beat)
        with self._read() as connection:
            rows = connection.execute(statement.where(SearchRow.status.in_(ATTENDED))).all()
        return {row.id: Lease(row.lease_owner, row.lease_beat) for row in rows}

    def take_lease(self, search_id: str, owner: str, seen: Lease) -> bool:
        """Take the lease of a search, if it still is as it was seen.

        Args:
            search_id: The search.
            owner: The name of the caller, unlike that of any other.
            seen: The lease as `leases` has read it.

        Returns:
            False when the lease has another owner or beat by now, or the search is over.
        """
        statement = (
            update(SearchRow)
            .where(
                SearchRow.id == search_id,
                SearchRow.status.in_(ATTENDED),
                SearchRow.lease_owner.is_not_distinct_from(seen.owner),
                SearchRow.lease_beat == seen.beat,
            )
            .values(lease_owner=owner, lease_beat=SearchRow.lease_beat + 1)
        )
        with self._write() as connection:
            return connection.execute(statement).rowcount == 1

    def beat_leases(self, owner: str) -> None:
        """Show that the owner is alive: increase the beat of all its leases."""
        statement = update(SearchRow).where(SearchRow.lease_owner == owner, SearchRow.status.in_(ATTENDED))
        with self._write() as connection:
            connection.execute(statement.values(lease_beat=SearchRow.lease_beat + 1))

    def release_leases(self, owner: str) -> None:
        """Release all leases of the owner."""
        statement = update(SearchRow).where(SearchRow.lease_owner == owner).values(lease_owner=None)
        with self._write() as connection:
            connection.execute(statement)
