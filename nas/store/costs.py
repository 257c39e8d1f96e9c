"""What was paid by rung, which is what a forecast rests on."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute

from nas.store.engine import Database, in_parts
from nas.store.records import RungTime
from nas.store.tables import MeasurementRow, TrialRow

RAN = TrialRow.source.is_(None)
"""Of a trial: it was not adopted."""


class Costs(Database):
    """Means over `trials` and `measurements`."""

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
            .where(RAN)
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
