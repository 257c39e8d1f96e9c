"""Sorting a search's trials by what they are or cost, page by page; `nas.store.leaderboard` orders them by standing.

No index has these columns: they are read of all trials of the search, but of the page alone all else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, and_, literal, not_, or_, select, tuple_

from nas.results.status import TrialStatus
from nas.store.cursors import decode, encode
from nas.store.records import Page, TrialRecord
from nas.store.standing import TRIAL
from nas.store.tables import TrialRow

_Key: TypeAlias = tuple[ColumnElement[Any], ...]

SORTABLE: Mapping[str, _Key] = {
    "miou": (TrialRow.__table__.c.iteration, TrialRow.__table__.c.score),
    "latency": (TrialRow.latency["median_ms"].as_float(),),
    **{
        name: (TrialRow.__table__.c[name],)
        for name in (
            *("iteration", "seconds", "device_seconds", "parameters", "multiply_adds"),
            *("seed", "attempt", "created_at"),
        )
    },
}
"""What trials are sorted by, by the name of the order; where there are several columns, the first one counts first."""


def sorted_page(  # noqa: PLR0917  a page of a listing
    connection: Connection, search_id: str, order: str, status: TrialStatus | None, limit: int, cursor: str | None
) -> Page[TrialRecord]:
    """Read one page of a search's trials in the order of a column; the arguments are those of `list_trials`.

    Those that have a value come first, then those without one, in the order of their numbers.
    """
    key = SORTABLE[order.removeprefix("-")]
    after: list[Any] = [] if cursor is None else _decoded(order, cursor, len(key))
    beyond_known = cursor is not None and None in after
    trials = select(TrialRow.number, *key).where(TrialRow.search_id == search_id)
    if status is not None:
        trials = trials.where(TrialRow.status == status)
    known = and_(*(column.is_not(None) for column in key))
    found: list[Sequence[Any]] = []
    if not beyond_known:
        statement = trials.where(known, _beyond(order, key, after)) if after else trials.where(known)
        by = (column.desc() if order.startswith("-") else column.asc() for column in key)
        found += connection.execute(statement.order_by(*by, TrialRow.number).limit(limit + 1))
    if len(found) <= limit:
        unknown = trials.where(not_(known), TrialRow.number > after[-1]) if beyond_known else trials.where(not_(known))
        found += connection.execute(unknown.order_by(TrialRow.number).limit(limit + 1 - len(found)))
    page = found[:limit]
    records = _records(connection, search_id, [row[0] for row in page])
    return Page(tuple(records), _cursor(order, page[-1]) if len(found) > limit else None)


def _beyond(order: str, key: _Key, place: Sequence[Any]) -> ColumnElement[bool]:
    """Select what comes after a place: the values of a key, then a number."""
    *after, number = place
    columns, values = tuple_(*key), tuple_(*map(literal, after))
    further = columns < values if order.startswith("-") else columns > values
    equal = and_(*(column == value for column, value in zip(key, after, strict=True)))
    return or_(further, and_(equal, TrialRow.number > number))


def _records(connection: Connection, search_id: str, numbers: Sequence[int]) -> list[TrialRecord]:
    statement: Select[Any] = TRIAL.where(TrialRow.search_id == search_id, TrialRow.number.in_(numbers))
    found = {trial.number: trial for trial in (TrialRecord(*row) for row in connection.execute(statement))}
    return [found[number] for number in numbers]


def _cursor(order: str, row: Sequence[Any]) -> str:
    number, *key = row
    known = None not in key
    return encode(order, *(key if known else [None] * len(key)), number)


def _decoded(order: str, cursor: str, columns: int) -> list[Any]:
    return decode(order, cursor, *[(int, float, type(None))] * columns, int)
