"""Following a search: its changes in the order of a sequence that the database keeps, whatever the clocks say."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from nas.results.status import TrialStatus
from nas.store.engine import Database
from nas.store.records import Change, TrialRecord
from nas.store.standing import TRIAL
from nas.store.tables import SearchTotalsRow, TrialRow


class Changes(Database):
    """Reads by `trials.sequence`."""

    def last_change(self, search_id: str) -> int:
        """Read the number of the last change of a search's trials; 0 without any."""
        with self._read() as connection:
            return last_change(connection, search_id)

    def recorded_since(self, search_id: str, after: int) -> float | None:
        """Read when the oldest change after a change was recorded, by the clock of its writer; None without any.

        Args:
            search_id: The search.
            after: The number of a change, as `last_change` returned it.
        """
        statement = select(func.min(TrialRow.updated_at)).where(
            TrialRow.search_id == search_id, TrialRow.sequence > after
        )
        with self._read() as connection:
            return connection.execute(statement).scalar_one()

    def trials_until(self, search_id: str, sequence: int) -> list[TrialRecord]:
        """Read the trials that had ended by a change and have not changed since, in the order of their numbers.

        A trial that was completed or pruned never changes again, so this always reads the same ones.

        Args:
            search_id: The search.
            sequence: The number of a change, as `last_change` returned it.
        """
        ended = (TrialRow.sequence <= sequence, TrialRow.status != TrialStatus.RUNNING)
        statement = TRIAL.where(TrialRow.search_id == search_id, *ended).order_by(TrialRow.number)
        with self._read() as connection:
            return [TrialRecord(*row) for row in connection.execute(statement)]

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


def last_change(connection: Connection, search_id: str) -> int:
    """Read, within a transaction, the number of the last change of a search's trials; 0 without any."""
    statement = select(SearchTotalsRow.sequence).where(SearchTotalsRow.search_id == search_id)
    return connection.execute(statement).scalar_one_or_none() or 0
