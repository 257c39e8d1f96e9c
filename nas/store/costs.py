"""Measured times from rung to rung, from which a forecast computes the cost of a search."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from nas.store.columns import MICROSECONDS
from nas.store.engine import Database, in_parts
from nas.store.figures import EpochEnd, RungTime
from nas.store.places import NEWEST_FIRST
from nas.store.tables import RungTotalsRow, SearchRow, SnapshotRow


class Costs(Database):
    """Mean times out of `rung_totals`, and the times of epochs."""

    def rung_times(self, fidelity_keys: Collection[str], newest: int = 1000) -> list[RungTime]:
        """Read the mean times from rung to rung, by search, fidelity and iteration, over the trials that ran.

        Each mean is over the same trials at both rungs, unlike a difference of the means at two rungs: the trials that
        reach a deep rung may be slower or faster than the others.

        Args:
            fidelity_keys: The content keys of the fidelities.
            newest: Read only of so many searches that measured one of the fidelities, the newest ones.

        Returns:
            The mean times by search, fidelity and iteration; adopted trials are left out.
        """
        row = RungTotalsRow
        found: list[RungTime] = []
        with self._read() as connection:
            for keys in in_parts(fidelity_keys):
                searches = (
                    select(SearchRow.id)
                    .where(SearchRow.id.in_(select(row.search_id).where(row.fidelity_key.in_(keys))))
                    .order_by(*NEWEST_FIRST)
                    .limit(newest)
                )
                statement = (
                    select(row.search_id, row.fidelity_key, row.iteration, row.trials)
                    .add_columns(row.microseconds, row.device_microseconds)
                    .where(row.fidelity_key.in_(keys), row.search_id.in_(searches.scalar_subquery()))
                    .order_by(row.search_id, row.fidelity_key, row.iteration)
                )
                found += (
                    RungTime(search, key, iteration, trials, *(total / trials / MICROSECONDS for total in totals))
                    for search, key, iteration, trials, *totals in connection.execute(statement)
                )
        return found

    def epoch_ends(self, search_ids: Collection[str]) -> dict[str, list[EpochEnd]]:
        """Read the device-seconds at the end of each recorded epoch, by search, in the order of run and epoch.

        Args:
            search_ids: The searches; one without a snapshot is left out.
        """
        row = SnapshotRow
        found: dict[str, list[EpochEnd]] = {}
        with self._read() as connection:
            for ids in in_parts(search_ids):
                statement = (
                    select(row.search_id, row.run, row.epoch, row.payload["device_seconds"].as_float())
                    .where(row.search_id.in_(ids))
                    .order_by(row.search_id, row.run, row.epoch)
                )
                for search_id, *end in connection.execute(statement):
                    found.setdefault(search_id, []).append(EpochEnd(*end))
        return found
