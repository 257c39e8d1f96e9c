"""Snapshots of differentiable runs: the architecture that a run's weights decode to after each epoch."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from sqlalchemy import literal, select

from nas.results.snapshot import Snapshot
from nas.store.drivers import ACTIVE, refuse_driver
from nas.store.engine import Database
from nas.store.errors import StoreError
from nas.store.records import SnapshotRecord
from nas.store.tables import SearchRow, SnapshotRow
from search_spaces.validation import explain


class Snapshots(Database):
    """Rows of `snapshots`, written by a search's driver."""

    def add_snapshot(self, search_id: str, driver_attempt: int, run: int, snapshot: Snapshot) -> None:
        """Record the snapshot of one epoch; a snapshot of the same (run, epoch) that is recorded already stays.

        Args:
            search_id: The search whose driver writes.
            driver_attempt: The driver's attempt.
            run: The number of the run within the search, from 0.
            snapshot: Names its epoch.

        Raises:
            NotFoundError: There is no such search.
            SearchClosedError: The search is stopping, pausing, paused or over.
            StaleAttemptError: The attempt no longer drives the search.
        """
        values = {
            "run": run,
            "epoch": snapshot.epoch,
            "payload": snapshot.model_dump(mode="json"),
            "created_at": self._clock(),
        }
        columns = [literal(value, SnapshotRow.__table__.c[name].type) for name, value in values.items()]
        current_driver = (
            select(SearchRow.id, *columns)
            .where(SearchRow.id == search_id, SearchRow.attempt == driver_attempt, SearchRow.status.in_(ACTIVE))
            .with_for_update(read=True)
        )
        insert = self._insert(SnapshotRow).from_select(["search_id", *values], current_driver).on_conflict_do_nothing()
        with self._write() as connection:
            if connection.execute(insert.returning(SnapshotRow.epoch)).one_or_none() is None:
                recorded = select(SnapshotRow.epoch).where(
                    SnapshotRow.search_id == search_id, SnapshotRow.run == run, SnapshotRow.epoch == snapshot.epoch
                )
                if connection.execute(recorded).one_or_none() is None:
                    refuse_driver(connection, search_id, driver_attempt)

    def snapshots(self, search_id: str, run: int | None = None, epoch: int | None = None) -> list[SnapshotRecord]:
        """Read the snapshots of a search in the order of run and epoch.

        Args:
            search_id: The search; one that does not exist has no snapshots.
            run: Read only this run's.
            epoch: Read only this epoch's.

        Raises:
            StoreError: A stored snapshot does not validate; the message names its run and epoch.
        """
        statement = (
            select(SnapshotRow.run, SnapshotRow.epoch, SnapshotRow.payload, SnapshotRow.created_at)
            .where(SnapshotRow.search_id == search_id)
            .order_by(SnapshotRow.run, SnapshotRow.epoch)
        )
        if run is not None:
            statement = statement.where(SnapshotRow.run == run)
        if epoch is not None:
            statement = statement.where(SnapshotRow.epoch == epoch)
        with self._read() as connection:
            rows = connection.execute(statement).all()
        return [SnapshotRecord(row.run, _read_snapshot(search_id, row), row.created_at) for row in rows]


def _read_snapshot(search_id: str, row: Any) -> Snapshot:
    try:
        return Snapshot.model_validate(row.payload)
    except ValidationError as error:
        what = f"the stored snapshot of search {search_id}, run {row.run}, epoch {row.epoch}"
        raise StoreError(f"{what}, is not one that this version reads: {explain(error)}") from None
