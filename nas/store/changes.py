"""Following a search: its changes in the order of a sequence that the database keeps, whatever the clocks say."""

from __future__ import annotations

from sqlalchemy import select

from nas.store.engine import Database
from nas.store.records import Change, TrialRecord
from nas.store.standing import TRIAL
from nas.store.tables import SearchTotalsRow, TrialRow


class Changes(Database):
    """Reads by `trials.sequence`."""

    def last_change(self, search_id: str) -> int:
        """Read the number of the last change of a search's trials; 0 without any."""
        statement = select(SearchTotalsRow.sequence).where(SearchTotalsRow.search_id == search_id)
        with self._read() as connection:
            return connection.execute(statement).scalar_one_or_none() or 0

    def changed_trials(self, search_id: str, after: int = 0, limit: int = 500) -> list[Change]:
        """Read the trials that changed after a change, in the order of their last change.

        To follow a search, pass the last `sequence` that was read: no change is missed and none comes twice. A trial
        that changed several times comes once, with its last change.

        Args:
            search_id: The search.
            after: The number of a change; 0 reads from the beginning.
            limit: The largest number of trials.
        """
        statement = (
            TRIAL.add_columns(TrialRow.sequence)
            .where(TrialRow.search_id == search_id, TrialRow.sequence > after)
            .order_by(TrialRow.sequence)
            .limit(limit)
        )
        with self._read() as connection:
            return [Change(row[-1], TrialRecord(*row[:-1])) for row in connection.execute(statement)]
