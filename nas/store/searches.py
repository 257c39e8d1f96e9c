"""Searches as the service writes them: create, list, change the status and its explanation."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    func,
    null,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import SearchSpec
from nas.store.changes import last_change
from nas.store.cursors import check_limit, decode, encode
from nas.store.engine import Database, clean_text, in_parts
from nas.store.errors import ConflictError, NotFoundError
from nas.store.records import Page, SearchRecord, Stage
from nas.store.spec_documents import dump_spec, read_spec
from nas.store.tables import SearchRow, TokenRow, TrialRow

ATTENDED = tuple(status for status in SearchStatus if not status.at_rest)
"""Statuses of the searches that the reconciler attends to."""

OLDEST_FIRST = (SearchRow.place, SearchRow.id)
"""Orders searches as they were created, whatever the clock said. Two that were created at once may have one place."""

NEWEST_FIRST = tuple(column.desc() for column in OLDEST_FIRST)

ENDS = tuple(status for status in SearchStatus if status.terminal)

_MAY_FOLLOW: dict[SearchStatus, tuple[SearchStatus, ...]] = {
    SearchStatus.QUEUED: (SearchStatus.STARTING, SearchStatus.STOPPING, SearchStatus.PAUSED, *ENDS),
    SearchStatus.STARTING: (
        SearchStatus.QUEUED,
        SearchStatus.RUNNING,
        SearchStatus.STOPPING,
        SearchStatus.PAUSING,
        *ENDS,
    ),
    SearchStatus.RUNNING: (SearchStatus.QUEUED, SearchStatus.STOPPING, SearchStatus.PAUSING, *ENDS),
    SearchStatus.STOPPING: ENDS,
    SearchStatus.PAUSING: (SearchStatus.STOPPING, SearchStatus.PAUSED, *ENDS),
    SearchStatus.PAUSED: (SearchStatus.STOPPED,),  # queued again by `Lifecycle` alone, as a search that is over is
}


_COLUMNS = tuple(
    SearchRow.__table__.c["parent_id" if field.name == "parent" else field.name].label(field.name)
    for field in fields(SearchRecord)
)
_SEARCH = select(*_COLUMNS)
"""Selects the row that `read_search` reads."""


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
        statement = self._insert(SearchRow).values(values).on_conflict_do_nothing().returning(*_COLUMNS)
        row = connection.execute(statement).mappings().one_or_none()
        return None if row is None else read_search(row)

    def get_search(self, search_id: str) -> SearchRecord:
        """Read one search.

        Raises:
            NotFoundError: There is no such search.
        """
        with self._read() as connection:
            return require_search(find_search(connection, search_id), search_id)

    def find_searches(self, search_ids: Collection[str]) -> dict[str, SearchRecord]:
        """Read some searches, by id; a search that does not exist is left out."""
        with self._read() as connection:
            return {
                row["id"]: read_search(row)
                for ids in in_parts(search_ids)
                for row in connection.execute(_SEARCH.where(SearchRow.id.in_(ids))).mappings()
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
        statement = _SEARCH.add_columns(SearchRow.place)
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
        statement = _SEARCH.where(SearchRow.parent_id == search_id).order_by(*OLDEST_FIRST)
        with self._read() as connection:
            return [read_search(row) for row in connection.execute(statement).mappings()]

    def move_search(
        self,
        search_id: str,
        expected: Collection[SearchStatus],
        to: SearchStatus,
        *,
        message: str | None = None,
        attempt: int | None = None,
    ) -> bool:
        """Change the status of a search by compare-and-set.

        A search that is over is not changed here (`Lifecycle` may queue it again). A change to a terminal status or to
        paused also stops the running trials, in the same transaction.

        Args:
            search_id: The search.
            expected: The statuses from which the search may change; terminal ones are ignored.
            to: The new status.
            message: Why, as a sentence for the user.
            attempt: Where given, the search changes only while this driver attempt is the current one.

        Returns:
            Whether the search had one of the expected statuses (and the attempt), and now has the new status.

        Raises:
            NotFoundError: There is no such search.
            ValueError: The new status cannot follow one of the expected ones.
        """
        sources = [status for status in expected if not status.terminal]
        for status in sources:
            if to not in _MAY_FOLLOW[status]:
                raise ValueError(f"a search that is {status} cannot become {to}")
        with self._write() as connection:
            if self._move(connection, search_id, sources, to, message=message, attempt=attempt):
                return True
            require_search(find_search(connection, search_id), search_id)
        return False

    def _move(
        self,
        connection: Connection,
        search_id: str,
        expected: Collection[SearchStatus],
        to: SearchStatus,
        *,
        message: str | None,
        attempt: int | None = None,
    ) -> bool:
        """The compare-and-set behind every change of status; with `attempt`, it compares the driver's attempt too."""
        now = self._clock()
        values: dict[str, Any] = {"status": to, "updated_at": now}
        # What was told on the way, of a lost driver for instance, does not explain a completed search.
        if message is not None or to is SearchStatus.COMPLETED:
            values["message"] = clean_text(message)
        if to.at_rest:
            values |= {"lease_owner": None, "hold_seconds": None, "setbacks": 0}
        if to.terminal:
            values["finished_at"] = now
        statement = update(SearchRow).where(SearchRow.id == search_id, SearchRow.status.in_(expected)).values(values)
        if attempt is not None:
            statement = statement.where(SearchRow.attempt == attempt)
        moved = connection.execute(statement).rowcount == 1
        if moved and to.at_rest:
            reason = f"the search ended: {to}" if to.terminal else "the search was paused"
            _stop_running_trials(connection, search_id, now, reason)
        return moved

    def replace_message(self, search_id: str, old: str | None, new: str | None) -> bool:
        """Change the explanation of the status of a search that is not over, where it still is the old one.

        Returns:
            Whether the search had the old message, was not over, and now has the new message.
        """
        statement = (
            update(SearchRow)
            .where(
                SearchRow.id == search_id,
                SearchRow.status.in_(ATTENDED),
                SearchRow.message.is_not_distinct_from(clean_text(old)),
            )
            .values(message=clean_text(new), updated_at=self._clock())
        )
        with self._write() as connection:
            return connection.execute(statement).rowcount == 1

    def due_searches(self) -> list[SearchRecord]:
        """Read the searches that the reconciler attends to: all that are neither over nor paused, oldest first."""
        statement = _SEARCH.where(SearchRow.status.in_(ATTENDED)).order_by(*OLDEST_FIRST)
        with self._read() as connection:
            return [read_search(row) for row in connection.execute(statement).mappings()]


def _stop_running_trials(connection: Connection, search_id: str, now: float, reason: str) -> None:
    running = and_(TrialRow.search_id == search_id, TrialRow.status == TrialStatus.RUNNING)
    # A trial's writer holds the trial, then the totals of its search. Where one statement changes several trials, all
    # of them are held first, or each would wait for the other (PostgreSQL; SQLite has one writer anyway).
    connection.execute(select(TrialRow.number).where(running).order_by(TrialRow.number).with_for_update()).all()
    statement = (
        update(TrialRow)
        .where(running)
        .values(status=TrialStatus.STOPPED, reason=reason, updated_at=now, finished_at=now)
    )
    connection.execute(statement)


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


def next_place(table: type[SearchRow] | type[TokenRow]) -> Any:
    """Select the place after those of all rows of a table."""
    other = aliased(table)
    return select(func.coalesce(func.max(other.place), 0) + 1).scalar_subquery()


def _origins(connection: Connection, search_ids: Iterable[str]) -> dict[str, int]:
    """Read the last change of each search that one starts from; none of them is deleted in this transaction."""
    found = {}
    for origin in search_ids:
        if find_search(connection, origin, share=True) is None:
            raise NotFoundError(f"there is no search {origin!r} to start from")
        found[origin] = last_change(connection, origin)
    return found


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
    statement = _SEARCH.where(SearchRow.id == search_id)
    if lock or share:
        statement = statement.with_for_update(read=not lock)
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else read_search(row)


def require_search(found: SearchRecord | None, search_id: str) -> SearchRecord:
    """Return the search that was found.

    Raises:
        NotFoundError: None was found.
    """
    if found is None:
        raise NotFoundError(f"there is no search {search_id!r}")
    return found


def _find(connection: Connection, condition: Any) -> SearchRecord | None:
    row = connection.execute(_SEARCH.where(condition)).mappings().one_or_none()
    return None if row is None else read_search(row)
