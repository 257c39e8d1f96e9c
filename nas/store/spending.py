"""What owners of searches have spent of their devices' time."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, func, select

from nas.store.columns import MICROSECONDS
from nas.store.engine import Database, in_parts
from nas.store.overviews import run_seconds
from nas.store.tables import OwnerRow, SearchRow, SearchTotalsRow


class Spending(Database):
    """Sums of kept totals, over the searches of an owner."""

    def spent(self, owners: Collection[str]) -> dict[str, float]:
        """Read the device-seconds that the searches of each owner have cost so far, those included that are deleted.

        Args:
            owners: Names of tokens; one without a search has spent nothing.
        """
        with self._read() as connection:
            return spent_seconds(connection, owners)


def spent_seconds(connection: Connection, owners: Collection[str]) -> dict[str, float]:
    """Do what `Spending.spent` does, within a transaction."""
    found = dict.fromkeys(owners, 0.0)
    for names in in_parts(owners):
        for owner, seconds in _parts(connection, names):
            found[owner] += seconds
    return found


def search_seconds(connection: Connection, search_id: str) -> float:
    """Read the device-seconds of one search, of its trials and of its runs."""
    of_trials = select(SearchTotalsRow.device_microseconds).where(SearchTotalsRow.search_id == search_id)
    trials = (connection.execute(of_trials).scalar_one_or_none() or 0) / MICROSECONDS
    return trials + sum(seconds for _, seconds in connection.execute(run_seconds([search_id])))


def _parts(connection: Connection, names: list[str]) -> Iterator[tuple[str, float]]:
    """The seconds of trials, of runs and of deleted searches, each by the owner."""
    theirs = SearchRow.owner.in_(names)
    trials = (
        select(SearchRow.owner, func.sum(SearchTotalsRow.device_microseconds))
        .join(SearchTotalsRow, SearchTotalsRow.search_id == SearchRow.id)
        .where(theirs)
        .group_by(SearchRow.owner)
    )
    deleted = select(OwnerRow.name, OwnerRow.deleted_microseconds).where(OwnerRow.name.in_(names))
    for statement in (trials, deleted):
        for owner, microseconds in connection.execute(statement):
            yield str(owner), int(microseconds) / MICROSECONDS
    runs = run_seconds(select(SearchRow.id).where(theirs)).subquery()
    of_runs = (
        select(SearchRow.owner, func.sum(runs.c.seconds))
        .join(runs, SearchRow.id == runs.c.search_id)
        .group_by(SearchRow.owner)
    )
    for owner, seconds in connection.execute(of_runs):
        yield str(owner), seconds
