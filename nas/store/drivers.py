"""The driver's side of a search: one attempt at a time, and a replaced driver is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any, NoReturn

from sqlalchemy import Connection, func, null, select, update

from nas.results.status import SearchStatus
from nas.store.errors import ConflictError, NotFoundError, SearchClosedError, StaleAttemptError
from nas.store.records import Stage
from nas.store.searches import Searches
from nas.store.tables import SearchRow

DRIVING = (SearchStatus.STARTING, SearchStatus.RUNNING)
ATTENDED = (*DRIVING, SearchStatus.STOPPING)


class Drivers(Searches):
    """What a driver (and who starts it) writes to `searches`."""

    def begin_driver(self, search_id: str) -> int:
        """Queued becomes starting; the new driver's attempt. ConflictError unless queued, NotFoundError.

        A not-before time is for the caller to heed (`due_searches` does).
        """
        statement = (
            update(SearchRow)
            .where(SearchRow.id == search_id, SearchRow.status == SearchStatus.QUEUED)
            .values(
                status=SearchStatus.STARTING,
                attempt=SearchRow.attempt + 1,
                not_before=None,
                updated_at=self._clock(),
            )
            .returning(SearchRow.attempt)
        )
        with self._write() as connection:
            attempt = connection.execute(statement).scalar_one_or_none()
            if attempt is not None:
                return attempt
            status = _attempt_and_status(connection, search_id)[1]
        raise ConflictError(f"search {search_id} is {status}, not queued: no driver can begin")

    def requeue_search(self, search_id: str, attempt: int, not_before: float, message: str) -> bool:
        """A lost driver's search becomes queued again, not before a time. False when it has moved on meanwhile."""
        with self._write() as connection:
            if not self._move(connection, search_id, DRIVING, SearchStatus.QUEUED, message=message, attempt=attempt):
                return False
            connection.execute(
                update(SearchRow).where(SearchRow.id == search_id).values(not_before=not_before, stage=null())
            )
            return True

    def driver_started(self, search_id: str, attempt: int, software: Mapping[str, str] | None = None) -> None:
        """Starting becomes running, with the versions of what will measure; again for the same attempt is no error.

        StaleAttemptError when there is a newer attempt, SearchClosedError when the search is stopping or over.
        """
        now = self._clock()
        self._write_as_driver(
            search_id,
            attempt,
            DRIVING,
            status=SearchStatus.RUNNING,
            software=null() if software is None else dict(software),
            started_at=func.coalesce(SearchRow.started_at, now),
            updated_at=now,
        )

    def set_stage(self, search_id: str, attempt: int, stage: Stage) -> None:
        """What the driver is at. StaleAttemptError, SearchClosedError when the search is over."""
        self._write_as_driver(search_id, attempt, ATTENDED, stage=asdict(stage), updated_at=self._clock())

    def finish_search(self, search_id: str, attempt: int, to: SearchStatus, message: str | None = None) -> None:
        """The driver's end of a search; trials still in flight are stopped. Again with the same end is no error.

        StaleAttemptError, SearchClosedError when it ended otherwise, ValueError when `to` is not an end.
        """
        if not to.terminal:
            raise ValueError(f"a search cannot finish as {to}; it can as completed, failed or stopped")
        with self._write() as connection:
            if self._move(connection, search_id, ATTENDED, to, message=message, attempt=attempt):
                return
            if _attempt_and_status(connection, search_id) != (attempt, to):
                refuse_driver(connection, search_id, attempt)

    def _write_as_driver(self, search_id: str, attempt: int, expected: Collection[SearchStatus], **values: Any) -> None:
        statement = update(SearchRow).where(
            SearchRow.id == search_id, SearchRow.attempt == attempt, SearchRow.status.in_(expected)
        )
        with self._write() as connection:
            if connection.execute(statement.values(values)).rowcount == 0:
                refuse_driver(connection, search_id, attempt)


def _attempt_and_status(connection: Connection, search_id: str) -> tuple[int, SearchStatus]:
    row = connection.execute(select(SearchRow.attempt, SearchRow.status).where(SearchRow.id == search_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no search {search_id!r}")
    return row.attempt, row.status


def refuse_driver(connection: Connection, search_id: str, attempt: int) -> NoReturn:
    """Say why a driver's write found no row: NotFoundError, StaleAttemptError or SearchClosedError."""
    current, status = _attempt_and_status(connection, search_id)
    if status.terminal or (status is SearchStatus.STOPPING and attempt == current):
        raise SearchClosedError(f"search {search_id} is {status}")
    raise StaleAttemptError(f"attempt {attempt} does not drive search {search_id}: it is {status}, attempt {current}")
