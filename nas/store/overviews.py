"""Trial counts, best trial and cost of any number of searches, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection, Select, and_, func, select

from nas.results.status import TrialStatus
from nas.store.columns import MICROSECONDS
from nas.store.engine import Database, in_parts
from nas.store.figures import Overview, SearchCost
from nas.store.places import OLDEST_FIRST
from nas.store.records import TrialRecord
from nas.store.standing import best, candidates_for_best
from nas.store.tables import RunRow, SearchRow, SearchTotalsRow, SnapshotRow


class Overviews(Database):
    """Reads of `search_totals`, and of the last snapshots, the best trial and the children of each search."""

    def overview(self, search_id: str) -> Overview:
        """Summarise one search; a search that does not exist has zeros."""
        return self.overviews([search_id])[search_id]

    def overviews(self, search_ids: Collection[str]) -> dict[str, Overview]:
        """Summarise searches, in one transaction of five statements for each thousand searches.

        The cost is the device-seconds of every trial that ran, up to its deepest rung, and of every differentiable
        run, up to its last snapshot. Adopted trials cost nothing. What a process did after its last measurement or
        snapshot and before it died is unknown, so the cost leaves it out.

        Args:
            search_ids: The searches; one that does not exist has zeros.

        Returns:
            The summaries by search id.
        """
        found: dict[str, Overview] = {}
        with self._read() as connection:
            for ids in in_parts(search_ids):
                found |= _overviews(connection, ids)
        return found


def _overviews(connection: Connection, ids: list[str]) -> dict[str, Overview]:
    counts = {search_id: dict.fromkeys(TrialStatus, 0) for search_id in ids}
    costs = dict.fromkeys(ids, SearchCost(0.0, 0, 0))
    for row in connection.execute(select(SearchTotalsRow.__table__).where(SearchTotalsRow.search_id.in_(ids))):
        counts[row.search_id] = {status: getattr(row, status) for status in TrialStatus}
        costs[row.search_id] = SearchCost(row.device_microseconds / MICROSECONDS, row.measured, row.adopted)
    for search_id, seconds in connection.execute(run_seconds(ids)):
        before = costs[search_id]
        costs[search_id] = replace(before, device_seconds=before.device_seconds + seconds)
    candidates: dict[str, list[TrialRecord]] = {search_id: [] for search_id in ids}
    for search_id, trial in candidates_for_best(connection, ids):
        candidates[search_id].append(trial)
    children: dict[str, dict[str, str]] = {search_id: {} for search_id in ids}
    for parent, kind, child in connection.execute(_children(ids)):
        children[str(parent)][kind] = child  # the oldest comes first, so the newest stays
    failed_runs = dict.fromkeys(ids, 0) | {row.search_id: row.runs for row in connection.execute(_failed_runs(ids))}
    return {
        search_id: Overview(
            counts[search_id],
            best(candidates[search_id]),
            costs[search_id],
            children[search_id],
            failed_runs[search_id],
        )
        for search_id in ids
    }


def _children(ids: list[str]) -> Select[str | None, str, str]:
    """Select the parent, the kind and the id of the searches that belong to others, oldest first."""
    columns = select(SearchRow.parent_id, SearchRow.kind, SearchRow.id).where(SearchRow.parent_id.in_(ids))
    return columns.order_by(*OLDEST_FIRST)


def _failed_runs(ids: list[str]) -> Select[str, int]:
    failed = (RunRow.search_id.in_(ids), RunRow.reason.is_not(None))
    return select(RunRow.search_id, func.count().label("runs")).where(*failed).group_by(RunRow.search_id)


def run_seconds(ids: Collection[str] | Select[str] | None = None) -> Select[str, float]:
    """Select the device-seconds of each differentiable search: the sum over its runs, each up to its last snapshot.

    Args:
        ids: The searches, or what selects them; None selects all. Those without a snapshot are left out.
    """
    row = SnapshotRow
    last = select(row.search_id, row.run, func.max(row.epoch).label("epoch")).group_by(row.search_id, row.run)
    if ids is not None:
        last = last.where(row.search_id.in_(ids))
    of_run = last.subquery().c
    is_last = and_(row.search_id == of_run.search_id, row.run == of_run.run, row.epoch == of_run.epoch)
    seconds = func.coalesce(func.sum(row.payload["device_seconds"].as_float()), 0.0).label("seconds")
    return select(row.search_id, seconds).where(is_last).group_by(row.search_id)
