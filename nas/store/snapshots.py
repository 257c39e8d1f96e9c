"""Snapshots of differentiable runs: what each decoded to after an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import literal, select

from nas.store.drivers import DRIVING, refuse_driver
from nas.store.engine import Database
from nas.store.records import SnapshotRecord
from nas.store.tables import SearchRow, SnapshotRow


class Snapshots(Database):
    """Rows of `snapshots`, written by a search's driver."""

    def add_snapshot(
        self, search_id: str, driver_attempt: int, run: int, epoch: int, payload: Mapping[str, Any]
    ) -> None:
        """One epoch's snapshot, `payload` a JSON mapping. The same (run, epoch) again keeps the first.

        StaleAttemptError when another driver took over, SearchClosedError when the search is stopping or over,
        NotFoundError.
        """
        values = {"run": run, "epoch": epoch, "payload": dict(payload), "created_at": self._clock()}
        columns = [literal(value, SnapshotRow.__table__.c[name].type) for name, value in values.items()]
        driven = (
            select(SearchRow.id, *columns)
            .where(SearchRow.id == search_id, SearchRow.attempt == driver_attempt, SearchRow.status.in_(DRIVING))
            .with_for_update(read=True)
        )
        insert = self._insert(SnapshotRow).from_select(["search_id", *values], driven).on_conflict_do_nothing()
        with self._write() as connection:
            if connection.execute(insert.returning(SnapshotRow.epoch)).one_or_none() is None:
                recorded = select(SnapshotRow.epoch).where(
                    SnapshotRow.search_id == search_id, SnapshotRow.run == run, SnapshotRow.epoch == epoch
                )
                if connection.execute(recorded).one_or_none() is None:
                    refuse_driver(connection, search_id, driver_attempt)

    def snapshots(self, search_id: str) -> list[SnapshotRecord]:
        """A search's snapshots by run and epoch; empty when there is none."""
        statement = (
            select(SnapshotRow.run, SnapshotRow.epoch, SnapshotRow.payload, SnapshotRow.created_at)
            .where(SnapshotRow.search_id == search_id)
            .order_by(SnapshotRow.run, SnapshotRow.epoch)
        )
        with self._read() as connection:
            return [SnapshotRecord(*row) for row in connection.execute(statement)]
