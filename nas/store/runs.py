"""The setbacks of differentiable runs: processes that died and failures, counted over all drivers of a search."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from nas.store.engine import Database, clean_text
from nas.store.records import RunRecord
from nas.store.tables import RunRow
from nas.store.trials import require_driver


class Runs(Database):
    """Rows of `runs`, written by a search's driver; a run without a setback has none."""

    def record_deaths(self, search_id: str, driver_attempt: int, run: int, deaths: int) -> None:
        """Record how many processes of a run have died by now.

        Args:
            search_id: The search whose driver writes.
            driver_attempt: The driver's attempt.
            run: The number of the run within the search, from 0.
            deaths: A total, so that a write that is repeated because its answer was lost counts once.

        Raises:
            NotFoundError: There is no such search.
            SearchClosedError: The search is stopping, pausing, paused or over.
            StaleAttemptError: The attempt no longer drives the search.
        """
        self._write_run(search_id, driver_attempt, run, deaths=deaths)

    def fail_run(self, search_id: str, driver_attempt: int, run: int, reason: str) -> None:
        """Record that a run has failed: no driver tries it again until a user asks for it.

        Args:
            search_id: The search whose driver writes.
            driver_attempt: The driver's attempt.
            run: The number of the run within the search, from 0.
            reason: Why, in one sentence.

        Raises:
            NotFoundError: There is no such search.
            SearchClosedError: The search is stopping, pausing, paused or over.
            StaleAttemptError: The attempt no longer drives the search.
        """
        self._write_run(search_id, driver_attempt, run, reason=clean_text(reason))

    def runs(self, search_id: str) -> dict[int, RunRecord]:
        """Read the runs of a search that had a setback, by their number."""
        statement = select(RunRow.run, RunRow.deaths, RunRow.reason).where(RunRow.search_id == search_id)
        with self._read() as connection:
            rows = connection.execute(statement.order_by(RunRow.run)).all()
        return {row.run: RunRecord(row.run, row.deaths, row.reason) for row in rows}

    def _write_run(self, search_id: str, driver_attempt: int, run: int, **values: Any) -> None:
        row = {"search_id": search_id, "run": run, "deaths": 0} | values
        statement = self._insert(RunRow).values(row)
        with self._write() as connection:
            require_driver(connection, search_id, driver_attempt)
            connection.execute(statement.on_conflict_do_update(index_elements=["search_id", "run"], set_=values))
