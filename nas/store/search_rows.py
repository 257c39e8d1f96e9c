"""Rows of `searches` as records, read within a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, select

from nas.store.errors import NotFoundError
from nas.store.records import SearchRecord, Stage
from nas.store.spec_documents import read_spec
from nas.store.tables import SearchRow

COLUMNS = tuple(
    SearchRow.__table__.c["parent_id" if field.name == "parent" else field.name].label(field.name)
    for field in fields(SearchRecord)
)
SEARCH = select(*COLUMNS)
"""Selects the row that `read_search` reads."""


def read_search(row: Mapping[Any, Any]) -> SearchRecord:
    """Make the record of a row of `searches`."""
    stage, tags = row["stage"], row["tags"]
    parsed = {
        "spec": read_spec(row["id"], row["spec"]),
        "stage": None if stage is None else Stage(**stage),
        "tags": () if tags is None else tuple(tags),
        "origins": row["origins"] or {},
    }
    return SearchRecord(**{**row, **parsed})


def find_search(
    connection: Connection, search_id: str, *, lock: bool = False, share: bool = False
) -> SearchRecord | None:
    """Read a search within a transaction; None where there is none.

    Args:
        connection: The transaction.
        search_id: The search.
        lock: Nobody else changes or locks the search until the transaction ends (on SQLite, every writer waits anyway).
        share: Nobody deletes or changes the search until the transaction ends, though others may lock it likewise.
    """
    statement = SEARCH.where(SearchRow.id == search_id)
    if lock or share:
        statement = statement.with_for_update(read=not lock)
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else read_search(row)


def require_search(connection: Connection, search_id: str, *, lock: bool = False) -> SearchRecord:
    """Read a search within a transaction, as `find_search` does.

    Raises:
        NotFoundError: There is no such search.
    """
    found = find_search(connection, search_id, lock=lock)
    if found is None:
        raise NotFoundError(f"there is no search {search_id!r}")
    return found
