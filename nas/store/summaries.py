"""Counts and bounded samples of a search's trials, for the panels of its page."""

from __future__ import annotations

from sqlalchemy import func, select

from nas.results.status import TrialStatus
from nas.store.engine import Database
from nas.store.figures import Failure, RungCount, SizedScore, TrialSpan
from nas.store.records import TrialRecord
from nas.store.standing import RANKED, TRIAL
from nas.store.tables import TrialRow


class Summaries(Database):
    """Reads of `trials` whose answers stay small however many trials there are, but for `sized_scores`."""

    def rung_counts(self, search_id: str) -> list[RungCount]:
        """Count the trials of a search by status and by the deepest rung that they measured."""
        row = TrialRow
        statement = (
            select(row.status, row.iteration, func.count())
            .where(row.search_id == search_id)
            .group_by(row.status, row.iteration)
            .order_by(row.status, row.iteration)
        )
        with self._read() as connection:
            return [RungCount(*found) for found in connection.execute(statement)]

    def sampled_trials(self, search_id: str, every: int = 1, iteration: int | None = None) -> list[TrialRecord]:
        """Read every so manieth of the trials that have a standing, in the order of numbers.

        Args:
            search_id: The search.
            every: Read the trials whose number is a multiple of this.
            iteration: Read only trials whose deepest rung this is.
        """
        statement = TRIAL.where(TrialRow.search_id == search_id, TrialRow.number % every == 0, RANKED)
        if iteration is not None:
            statement = statement.where(TrialRow.iteration == iteration)
        with self._read() as connection:
            return [TrialRecord(*row) for row in connection.execute(statement.order_by(TrialRow.number))]

    def sized_scores(self, search_id: str, iteration: int) -> list[SizedScore]:
        """Read the value and sizes of all trials whose deepest rung is this one, whose sizes are known, and that did
        not fail, in the order of numbers.
        """
        row = TrialRow
        statement = (
            select(row.number, row.value, row.parameters, row.multiply_adds)
            .where(row.search_id == search_id, row.iteration == iteration, RANKED)
            .where(row.parameters.is_not(None), row.multiply_adds.is_not(None))
            .order_by(row.number)
        )
        with self._read() as connection:
            return [SizedScore._make(found) for found in connection.execute(statement)]

    def failures(self, search_id: str, limit: int) -> list[Failure]:
        """Count the failed trials of a search by their reason, the most frequent reasons first.

        Args:
            search_id: The search.
            limit: The number of reasons at most.
        """
        row, count = TrialRow, func.count().label("trials")
        statement = (
            select(row.reason, count, func.min(row.number))
            .where(row.search_id == search_id, row.status == TrialStatus.FAILED)
            .group_by(row.reason)
            .order_by(count.desc(), func.min(row.number))
            .limit(limit)
        )
        with self._read() as connection:
            return [Failure(*found) for found in connection.execute(statement)]

    def newest_spans(self, search_id: str, limit: int) -> list[TrialSpan]:
        """Read when the trials of the largest numbers began and ended, in the order of numbers; none was adopted.

        Args:
            search_id: The search.
            limit: The number of trials at most.
        """
        row = TrialRow
        statement = (
            select(row.number, row.status, row.created_at, row.updated_at, row.finished_at, row.node)
            .where(row.search_id == search_id, row.source.is_(None))
            .order_by(row.number.desc())
            .limit(limit)
        )
        with self._read() as connection:
            return [TrialSpan(*found) for found in connection.execute(statement)][::-1]
