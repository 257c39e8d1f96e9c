"""Measured times from rung to rung, from which a forecast computes the cost of a search."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute

from nas.store.engine import Database, in_parts
from nas.store.records import RungTime
from nas.store.tables import MeasurementRow, TrialRow

RAN = TrialRow.source.is_(None)
"""Selects the trials that ran, as opposed to adopted ones."""


class Costs(Database):
    """Mean times over `trials` and `measurements`."""

    def rung_times(self, fidelity_keys: Collection[str]) -> list[RungTime]:
        """Compute the mean times from rung to rung, by search, fidelity and iteration, over the trials that ran.

        Each mean is over the same trials at both rungs, unlike a difference of the means at two rungs: the trials that
        reach a deep rung may be slower or faster than the others.

        Args:
            fidelity_keys: The content keys of the fidelities.

        Returns:
            The mean times of every search that measured one of the fidelities; adopted trials are left out.
        """

        def since_rung_before(column: InstrumentedAttribute[float]) -> ColumnElement[float]:
            trial = (MeasurementRow.search_id, MeasurementRow.number)
            before = func.lag(column).over(partition_by=trial, order_by=MeasurementRow.iteration)
            return column - func.coalesce(before, 0.0)

        times = (
            select(
                TrialRow.search_id,
                TrialRow.fidelity_key,
                MeasurementRow.iteration,
                since_rung_before(MeasurementRow.seconds).label("seconds"),
                since_rung_before(MeasurementRow.device_seconds).label("device_seconds"),
            )
            .join(
                TrialRow, and_(TrialRow.search_id == MeasurementRow.search_id, TrialRow.number == MeasurementRow.number)
            )
            .where(RAN)
        )
        found: list[RungTime] = []
        with self._read() as connection:
            for keys in in_parts(fidelity_keys):
                part = times.where(TrialRow.fidelity_key.in_(keys)).subquery().c
                rung = part.search_id, part.fidelity_key, part.iteration
                means = func.avg(part.seconds), func.avg(part.device_seconds)
                statement = select(*rung, func.count(), *means).group_by(*rung).order_by(*rung)
                found += (RungTime(*row) for row in connection.execute(statement))
        return found
