"""Checking the kept totals against the rows that they sum up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Text, case, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute

from nas.results.status import TrialStatus
from nas.store.columns import MICROSECONDS
from nas.store.engine import Database
from nas.store.tables import MeasurementRow, RungTotalsRow, SearchTotalsRow, TrialRow

_RAN = TrialRow.source.is_(None)


class Totals(Database):
    """Reads of all trials and measurements, for `segnas doctor` and tests: slow on a large database."""

    def odd_totals(self) -> list[str]:
        """Compare `search_totals` and `rung_totals` with the trials and measurements.

        Returns:
            A sentence for each row that differs; none where the totals are right, which the triggers see to.
        """
        with self._read() as connection:
            return [
                *_differences(connection, "search_totals", _trials(), _kept_trials()),
                *_differences(connection, "rung_totals", _rungs(), _kept_rungs()),
            ]


def _differences(connection: Connection, table: str, computed: Any, kept: Any) -> Iterator[str]:
    """Both select a key and the totals under it."""
    expected = {row[0]: tuple(row[1:]) for row in connection.execute(computed)}
    found = {row[0]: tuple(row[1:]) for row in connection.execute(kept)}
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            yield f"{table} has {found.get(key)} for {key}; the rows give {expected.get(key)}"


def _trials() -> Any:
    counts = [func.count(case((TrialRow.status == status, 1))) for status in TrialStatus]
    return select(
        TrialRow.search_id,
        *counts,
        func.count(case((_RAN, TrialRow.score))),
        func.count(TrialRow.source),
        cast(func.coalesce(func.sum(case((_RAN, _microseconds(TrialRow.device_seconds)))), 0), BigInteger),
    ).group_by(TrialRow.search_id)


def _kept_trials() -> Any:
    row = SearchTotalsRow
    counts = [getattr(row, status) for status in TrialStatus]
    return select(row.search_id, *counts, row.measured, row.adopted, row.device_microseconds)


def _rungs() -> Any:
    row = MeasurementRow

    def since_rung_before(column: InstrumentedAttribute[float]) -> ColumnElement[int]:
        moment = _microseconds(column)
        before = func.lag(moment).over(partition_by=(row.search_id, row.number), order_by=row.iteration)
        return moment - func.coalesce(before, 0)

    steps = (
        select(
            _key(row.search_id, TrialRow.fidelity_key, row.iteration).label("key"),
            since_rung_before(row.seconds).label("seconds"),
            since_rung_before(row.device_seconds).label("device_seconds"),
        )
        .join(TrialRow, (TrialRow.search_id == row.search_id) & (TrialRow.number == row.number))
        .where(_RAN)
        .subquery()
        .c
    )
    sums = [cast(func.sum(column), BigInteger) for column in (steps.seconds, steps.device_seconds)]
    return select(steps.key, func.count(), *sums).group_by(steps.key)


def _kept_rungs() -> Any:
    row = RungTotalsRow
    return select(
        _key(row.search_id, row.fidelity_key, row.iteration), row.trials, row.microseconds, row.device_microseconds
    )


def _key(search_id: Any, fidelity_key: Any, iteration: Any) -> ColumnElement[str]:
    key: ColumnElement[str] = search_id + " " + fidelity_key + " " + cast(iteration, Text)
    return key


def _microseconds(column: InstrumentedAttribute[Any]) -> ColumnElement[int]:
    return cast(func.round(column * MICROSECONDS), BigInteger)
