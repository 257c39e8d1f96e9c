"""What was paid: by a search, and by rung, which is what a forecast rests on."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from nas.store.engine import Database, in_parts
from nas.store.records import RungTime, SearchCost
from nas.store.tables import MeasurementRow, SnapshotRow, TrialRow

_RAN = TrialRow.source.is_(None)


class Costs(Database):
    """Sums and means over `trials`, `measurements` and `snapshots`."""

    def search_cost(self, search_id: str) -> SearchCost:
        """What a search has cost so far; zeros when there is no such search.

        Device-seconds of every trial that was not adopted, up to its deepest rung, and of every differentiable run,
        up to its last snapshot. What a process did after that and before it died is not known and not in it.
        """
        trials = select(
            func.coalesce(func.sum(case((_RAN, TrialRow.device_seconds))), 0.0),
            func.count(case((and_(_RAN, TrialRow.score.is_not(None)), 1))),
            func.count(TrialRow.source),
        ).where(TrialRow.search_id == search_id)
        last = (
            select(SnapshotRow.run, func.max(SnapshotRow.epoch).label("epoch"))
            .where(SnapshotRow.search_id == search_id)
            .group_by(SnapshotRow.run)
            .subquery()
        )
        runs = (
            select(func.coalesce(func.sum(SnapshotRow.payload["device_seconds"].as_float()), 0.0))
            .join(last, and_(SnapshotRow.run == last.c.run, SnapshotRow.epoch == last.c.epoch))
            .where(SnapshotRow.search_id == search_id)
        )
        with self._read() as connection:
            device_seconds, measured, adopted = connection.execute(trials).one()
            device_seconds += connection.execute(runs).scalar_one()
        return SearchCost(device_seconds, measured, adopted)

    def rung_times(self, fidelity_keys: Collection[str]) -> list[RungTime]:
        """How long it took from rung to rung, by search, fidelity and iteration, over the trials that were not adopted.

        Unlike a difference of means at two rungs, a mean here is over the same trials at both of its ends: those that
        reach a deep rung may be slower or faster than the others.
        """

        def since(column: InstrumentedAttribute[float]) -> ColumnElement[float]:
            whose = (MeasurementRow.search_id, MeasurementRow.number)
            before = func.lag(column).over(partition_by=whose, order_by=MeasurementRow.iteration)
            return column - func.coalesce(before, 0.0)

        stretches = (
            select(
                TrialRow.search_id,
                TrialRow.fidelity_key,
                MeasurementRow.iteration,
                since(MeasurementRow.seconds).label("seconds"),
                since(MeasurementRow.device_seconds).label("device_seconds"),
            )
            .join(
                TrialRow, and_(TrialRow.search_id == MeasurementRow.search_id, TrialRow.number == MeasurementRow.number)
            )
            .where(_RAN)
        )
        found: list[RungTime] = []
        with self._read() as connection:
            for keys in in_parts(fidelity_keys):
                part = stretches.where(TrialRow.fidelity_key.in_(keys)).subquery().c
                whose = part.search_id, part.fidelity_key, part.iteration
                means = func.avg(part.seconds), func.avg(part.device_seconds)
                statement = select(*whose, func.count(), *means).group_by(*whose).order_by(*whose)
                found += (RungTime(*row) for row in connection.execute(statement))
        return found
