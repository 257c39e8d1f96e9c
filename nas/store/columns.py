"""What the columns of the tables hold: the types that several tables share, and how values become them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Dialect, Integer, String, TypeDecorator, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column

ID = String(32)
KEY = String(64)
SOURCE = String(48)
"""A trial as SEARCH/NUMBER: a search's id, a slash and up to 15 digits."""

OWNER = String(63)
"""The name of a token."""

MICROSECONDS = 1_000_000
"""In a second: the unit of kept sums of times."""

DOCUMENT = JSON().with_variant(JSONB(), "postgresql")
LATENCY = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class StatusType(TypeDecorator[StrEnum]):
    """A member of an enumeration, stored as its text."""

    impl = String(16)
    cache_ok = True

    def __init__(self, statuses: type[StrEnum]) -> None:
        super().__init__()
        self.statuses = statuses

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else self.statuses(value)


def one_of(column: str, statuses: Iterable[StrEnum]) -> str:
    """Write the condition that a column holds one of some members of an enumeration."""
    return f"{column} IN ({', '.join(repr(str(status)) for status in statuses)})"


def total(column_type: type[Integer] = Integer) -> Any:
    """Declare a kept total, which begins at 0."""
    return mapped_column(column_type, server_default=text("0"))
