"""Searches as the service writes them: create, find and list them."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, null, select, tuple_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from nas.results.status import SearchStatus
from nas.specs import SearchSpec
from nas.store.changes import last_change
from nas.store.cursors import check_limit, decode, encode
from nas.store.engine import Database, in_parts
from nas.store.errors import ConflictError, NotFoundError
from nas.store.places import NEWEST_FIRST, OLDEST_FIRST, next_place
from nas.store.records import Page, SearchRecord
from nas.store.search_rows import COLUMNS, SEARCH, find_search, read_search, require_search
from nas.store.spec_documents import dump_spec
from nas.store.tables import SearchRow
from nas.store.transitions import ATTENDED


class Searches(Database):
    """Rows of `searches`, written by the HTTP service and its reconciler."""

    def create_search(
        self,
        spec: SearchSpec,
        idempotency_key: str | None = None,
        *,
        parent: str | None = None,
        forecast: Mapping[str, Any] | None = None,
        request_key: str | None = None,
        owner: str | None = None,
        besides: Collection[str] = (),
    ) -> tuple[SearchRecord, bool]:
        """Create a queued search, or find the one that was created with the same idempotency key.

        Two callers at once with one key get the same search.

        Args:
            spec: The spec of the search.
            idempotency_key: 1 to 255 printable characters; None creates a search in any case.
            parent: The id of the search that this one belongs to.
            forecast: The expected cost as a JSON mapping; a search that exists keeps its own.
            request_key: The content hash of the request. Where the search that exists has one too, the two must be
                equal, whatever spec was derived from the request since; otherwise spec and parent must be equal.
            owner: The name of the token that starts the search; None without one.
            besides: The ids of searches from which it starts besides those that the spec names.

        Returns:
            The search, and True when it was created by this call.

        Raises:
            ConflictError: The idempotency key was used for another request.
            NotFoundError: There is no such parent, or no search of those that the spec starts from.
            ValueError: The idempotency key is not 1 to 255 printable characters.
        """
        if idempotency_key is not None and not (1 <= len(idempotency_key) <= 255 and idempotency_key.isprintable()):
            raise ValueError("Idempotency-Key must be 1 to 255 printable characters")
        while True:
            with self._write() as connection:
                # The lock keeps the parent from being deleted before this transaction ends.
                if parent is not None and find_search(connection, parent, share=True) is None:
                    raise NotFoundError(f"there is no search {parent!r} to be the parent")
                created = self._insert_search(
                    connection, spec, idempotency_key, parent, forecast, request_key, owner, besides
                )
                if created is not None:
                    return created, True
                existing = _find(connection, SearchRow.idempotency_key == idempotency_key)
            if existing is not None:
                _require_same_request(existing, spec, parent, request_key)
                return existing, False
            # The random id was taken: draw another one.

    def _insert_search(  # noqa: PLR0917  the values of a new row
        self,
        connection: Connection,
        spec: SearchSpec,
        key: str | None,
        parent: str | None,
        forecast: Mapping[str, Any] | None,
        request_key: str | None,
        owner: str | None,
        besides: Collection[str] = (),
    ) -> SearchRecord | None:
        """Insert a search; None when the idempotency key or the random id is taken."""
        now = self._clock()
        values = {
            "id": "s" + secrets.token_hex(6),
            "idempotency_key": key,
            "spec": dump_spec(spec),
            "kind": spec.kind,
            "parent_id": parent,
            "place": next_place(SearchRow),
            "forecast": null() if forecast is None else dict(forecast),
            "request_key": request_key,
            "owner": owner,
            "origins": _origins(connection, (*spec.origins, *besides)) or null(),
            "status": SearchStatus.QUEUED,
            "attempt": 0,
            "created_at": now,
            "updated_at": now,
        }
        statement = self._insert(SearchRow).values(values).on_conflict_do_nothing().returning(*COLUMNS)
        row = connection.execute(statement).mappings().one_or_none()
        return None if row is None else read_search(row)

    def get_search(self, search_id: str) -> SearchRecord:
        """Read one search.

        Raises:
            NotFoundError: There is no such search.
        """
        with self._read() as connection:
            return require_search(connection, search_id)

    def find_searches(self, search_ids: Collection[str]) -> dict[str, SearchRecord]:
        """Read some searches, by id; a search that does not exist is left out."""
        with self._read() as connection:
            return {
                row["id"]: read_search(row)
                for ids in in_parts(search_ids)
                for row in connection.execute(SEARCH.where(SearchRow.id.in_(ids))).mappings()
            }

    def find_keyed(self, idempotency_key: str) -> SearchRecord | None:
        """Find the search that was created with an idempotency key; None where there is none."""
        with self._read() as connection:
            return _find(connection, SearchRow.idempotency_key == idempotency_key)

    def list_searches(
        self,
        status: SearchStatus | None = None,
        limit: int = 50,
        cursor: str | None = None,
        kind: str | None = None,
        tag: str | None = None,
        *,
        owner: str | None = None,
    ) -> Page[SearchRecord]:
        """Read one page of searches, newest first.

        Args:
            status: Read only searches of this status.
            limit: The number of searches on the page, 1 to 1000.
            cursor: The cursor of the page before; None reads the first page.
            kind: Read only searches of this kind.
            tag: Read only searches with this tag.
            owner: Read only searches that a token of this name started.

        Raises:
            ValueError: The limit is not between 1 and 1000, or the cursor is not one of this listing.
        """
        statement = SEARCH.add_columns(SearchRow.place)
        if status is not None:
            statement = statement.where(SearchRow.status == status)
        if kind is not None:
            statement = statement.where(SearchRow.kind == kind)
        if tag is not None:
            statement = statement.where(self._has_tag(tag))
        if owner is not None:
            statement = statement.where(SearchRow.owner == owner)
        if cursor is not None:
            statement = statement.where(tuple_(*OLDEST_FIRST) < tuple(decode("searches", cursor, int, str)))
        statement = statement.order_by(*NEWEST_FIRST).limit(check_limit(limit) + 1)
        with self._read() as connection:
            found = [dict(row) for row in connection.execute(statement).mappings()]
        places = [row.pop("place") for row in found]
        records = [read_search(row) for row in found[:limit]]
        more = len(found) > limit
        return Page(tuple(records), encode("searches", places[limit - 1], records[-1].id) if more else None)

    def _has_tag(self, tag: str) -> ColumnElement[bool]:
        if self._engine.dialect.name == "sqlite":
            marks = func.json_each(SearchRow.tags).table_valued("value")
            return exists(select(marks.c.value).where(marks.c.value == tag))
        return type_coerce(SearchRow.tags, JSONB).contains([tag])

    def children(self, search_id: str) -> list[SearchRecord]:
        """Read the searches whose parent is the given one, oldest first: in the order of creation, not of the clock."""
        statement = SEARCH.where(SearchRow.parent_id == search_id).order_by(*OLDEST_FIRST)
        with self._read() as connection:
            return [read_search(row) for row in connection.execute(statement).mappings()]

    def due_searches(self) -> list[SearchRecord]:
        """Read the searches that the reconciler attends to: all that are neither over nor paused, oldest first."""
        statement = SEARCH.where(SearchRow.status.in_(ATTENDED)).order_by(*OLDEST_FIRST)
        with self._read() as connection:
            return [read_search(row) for row in connection.execute(statement).mappings()]


def _require_same_request(
    existing: SearchRecord, spec: SearchSpec, parent: str | None, request_key: str | None
) -> None:
    other = None
    if existing.request_key is not None and request_key is not None:
        other = "request" if existing.request_key != request_key else None
    elif existing.spec != spec:
        other = "spec"
    elif existing.parent != parent:
        other = "parent"
    if other is not None:
        raise ConflictError(f"this Idempotency-Key was used for another {other} (search {existing.id})")


def _origins(connection: Connection, search_ids: Iterable[str]) -> dict[str, int]:
    """Read the last change of each search that one starts from; none of them is deleted in this transaction."""
    found = {}
    for origin in search_ids:
        if find_search(connection, origin, share=True) is None:
            raise NotFoundError(f"there is no search {origin!r} to start from")
        found[origin] = last_change(connection, origin)
    return found


def _find(connection: Connection, condition: Any) -> SearchRecord | None:
    row = connection.execute(SEARCH.where(condition)).mappings().one_or_none()
    return None if row is None else read_search(row)
