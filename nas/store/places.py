"""The order in which searches and tokens were created, whatever the clock said: each row has a place in it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from nas.store.tables import SearchRow, TokenRow

OLDEST_FIRST = (SearchRow.place, SearchRow.id)
"""Orders searches as they were created. Two that were created at once may have one place."""

NEWEST_FIRST = tuple(column.desc() for column in OLDEST_FIRST)


def next_place(table: type[SearchRow] | type[TokenRow]) -> Any:
    """Select the place after those of all rows of a table."""
    other = aliased(table)
    return select(func.coalesce(func.max(other.place), 0) + 1).scalar_subquery()
