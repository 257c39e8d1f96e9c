"""Counts over everything that is recorded, for monitoring: read from totals that are kept, never from trials."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from nas.results.status import SearchStatus, TrialStatus
from nas.store.columns import MICROSECONDS
from nas.store.engine import Database
from nas.store.overviews import run_seconds
from nas.store.tables import SearchRow, SearchTotalsRow


@dataclass(frozen=True)
class Census:
    """What is recorded now. A search that is deleted takes its part of every number with it.

    Attributes:
        searches: By status; a status that no search has counts 0.
        trials: By status, likewise.
        adopted: Trials whose numbers were taken from a trial measured before, which cost nothing.
        device_seconds: Of every trial that ran, up to its deepest rung, and of every differentiable run, up to its last
            snapshot.
    """

    searches: dict[SearchStatus, int]
    trials: dict[TrialStatus, int]
    adopted: int
    device_seconds: float


class Censuses(Database):
    """Sums over `searches`, `search_totals` and the last snapshots."""

    def census(self) -> Census:
        """Count searches and trials by status and sum what they cost, in one transaction of three statements.

        One row for each search is read and one for each epoch of a differentiable run, however many trials there are.
        """
        row = SearchTotalsRow
        sums = [func.coalesce(func.sum(getattr(row, status)), 0) for status in TrialStatus]
        sums += [func.coalesce(func.sum(column), 0) for column in (row.adopted, row.device_microseconds)]
        by_search = run_seconds().subquery()
        with self._read() as connection:
            by_status = select(SearchRow.status, func.count()).group_by(SearchRow.status)
            searches = {row[0]: row[1] for row in connection.execute(by_status)}
            *trials, adopted, microseconds = (int(total) for total in connection.execute(select(*sums)).one())
            runs = connection.execute(select(func.coalesce(func.sum(by_search.c.seconds), 0.0))).scalar_one()
        return Census(
            searches={status: searches.get(status, 0) for status in SearchStatus},
            trials=dict(zip(TrialStatus, trials, strict=True)),
            adopted=adopted,
            device_seconds=microseconds / MICROSECONDS + runs,
        )
