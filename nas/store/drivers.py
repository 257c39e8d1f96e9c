"""What a search's driver writes: one driver attempt at a time, and a replaced driver is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Connection, case, func, null, select, update

from nas.results.status import SearchStatus, TrialStatus
from nas.store.errors import ConflictError, NotFoundError, SearchClosedError, StaleAttemptError
from nas.store.records import FollowUp, Stage
from nas.store.searches import Searches
from nas.store.tables import MeasurementRow, RunRow, SearchRow, SnapshotRow, TrialRow
from nas.store.transitions import Transitions

ACTIVE = (SearchStatus.STARTING, SearchStatus.RUNNING)
"""Statuses in which a driver may add trials."""

ACTIVE_OR_ENDING = (*ACTIVE, *(status for status in SearchStatus if status.ending))
"""Statuses in which a driver may report its stage and end its search."""


_OWN_ENDS = (TrialStatus.COMPLETED, TrialStatus.PRUNED, TrialStatus.FAILED)
"""Ends of a trial that are results; a trial that is stopped with its search may be continued."""


class Drivers(Searches, Transitions):
    """Rows of `searches`, written by drivers and by the reconciler that starts them."""

    def begin_driver(self, search_id: str) -> int:
        """Change a queued search to starting, with a new driver attempt.

        What is recorded of the search now is what `progressed` will compare with. A search's `hold_seconds` are for
        the caller to wait.

        Returns:
            The number of the new attempt, from 1.

        Raises:
            ConflictError: The search is not queued.
            NotFoundError: There is no such search.
        """
        statement = (
            update(SearchRow)
            .where(SearchRow.id == search_id, SearchRow.status == SearchStatus.QUEUED)
            .values(
                status=SearchStatus.STARTING,
                attempt=SearchRow.attempt + 1,
                hold_seconds=None,
                progress_mark=_recorded(search_id),
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

    def progressed(self, search_id: str) -> bool:
        """Whether anything was recorded of a search since its present driver began.

        Progress is what the next driver need not do again: a measurement, a trial that ended by itself, a snapshot, a
        run that failed, a step of the preparation that no driver before had reached.

        Raises:
            NotFoundError: There is no such search.
        """
        more = _recorded(search_id) > func.coalesce(SearchRow.progress_mark, -1)
        with self._read() as connection:
            found = connection.execute(select(more).where(SearchRow.id == search_id)).scalar_one_or_none()
        if found is None:
            raise NotFoundError(f"there is no search {search_id!r}")
        return bool(found)

    def requeue_search(
        self, search_id: str, attempt: int, hold_seconds: float, message: str, *, setbacks: int = 0
    ) -> bool:
        """Put the search of a lost driver back into the queue.

        Args:
            search_id: The search.
            attempt: The attempt of the lost driver.
            hold_seconds: How long the search waits before its next driver starts.
            message: Why, as a sentence for the user.
            setbacks: How many drivers in a row, this one included, were lost by their own fault without progress.

        Returns:
            False when the search has another attempt or status by now, and was left as it is.
        """
        values = {"hold_seconds": hold_seconds, "setbacks": setbacks, "stage": null()}
        with self._write() as connection:
            if not self._move(connection, search_id, ACTIVE, SearchStatus.QUEUED, message=message, attempt=attempt):
                return False
            connection.execute(update(SearchRow).where(SearchRow.id == search_id).values(values))
            return True

    def driver_started(self, search_id: str, attempt: int, software: Mapping[str, str] | None = None) -> None:
        """Change a starting search to running, and drop the message; calling again for the same attempt is no error.

        Args:
            search_id: The search.
            attempt: The driver's attempt.
            software: The versions, by package, of the software that will measure.

        Raises:
            NotFoundError: There is no such search.
            SearchClosedError: The search is stopping, pausing, paused or over.
            StaleAttemptError: The attempt no longer drives the search.
        """
        now = self._clock()
        self._write_as_driver(
            search_id,
            attempt,
            ACTIVE,
            status=SearchStatus.RUNNING,
            message=null(),  # it explained why the search waited, or why the driver before this one was lost
            software=null() if software is None else dict(software),
            started_at=func.coalesce(SearchRow.started_at, now),
            updated_at=now,
        )

    def set_stage(self, search_id: str, attempt: int, stage: Stage) -> None:
        """Record the stage that the driver is in.

        Raises:
            NotFoundError: There is no such search.
            SearchClosedError: The search is over or paused.
            StaleAttemptError: The attempt no longer drives the search.
        """
        self._write_as_driver(search_id, attempt, ACTIVE_OR_ENDING, stage=asdict(stage), updated_at=self._clock())

    def record_reached(self, search_id: str, attempt: int, step: int) -> None:
        """Record how far the driver is before the first trial, unless a driver before it was further.

        Args:
            search_id: The search.
            attempt: The driver's attempt.
            step: How many of the steps whose results outlive the driver are done, by whichever driver.

        Raises:
            NotFoundError: There is no such search.
            SearchClosedError: The search is over.
            StaleAttemptError: The attempt no longer drives the search.
        """
        furthest = case((SearchRow.reached < step, step), else_=SearchRow.reached)
        self._write_as_driver(search_id, attempt, ACTIVE_OR_ENDING, reached=furthest)

    def finish_search(
        self,
        search_id: str,
        attempt: int,
        to: SearchStatus,
        message: str | None = None,
        follow_up: FollowUp | None = None,
    ) -> None:
        """End or pause a search as its driver, and stop the trials that still run. The same end again is no error.

        Args:
            search_id: The search.
            attempt: The driver's attempt.
            to: The terminal status that the search ends with, or paused, which only a pausing search becomes.
            message: Why, as a sentence for the user.
            follow_up: The search that belongs to this one and is queued with its end, unless a search has its key
                already or a user has asked this one to stop or to pause meanwhile.

        Raises:
            NotFoundError: There is no such search.
            SearchClosedError: The search has ended with another status, or shall stop rather than pause.
            StaleAttemptError: The attempt no longer drives the search.
            ValueError: `to` is neither a terminal status nor paused.
        """
        if not to.at_rest:
            raise ValueError(f"a search cannot finish as {to}; it can as completed, failed, stopped or paused")
        expected = ACTIVE_OR_ENDING if to.terminal else (SearchStatus.PAUSING,)
        with self._write() as connection:
            if follow_up is not None and self._move(
                connection, search_id, ACTIVE, to, message=message, attempt=attempt
            ):
                self._insert_child(connection, search_id, follow_up)
                return
            if self._move(connection, search_id, expected, to, message=message, attempt=attempt):
                return
            if _attempt_and_status(connection, search_id) != (attempt, to):
                refuse_driver(connection, search_id, attempt)

    def _insert_child(self, connection: Connection, search_id: str, child: FollowUp) -> None:
        owner = connection.execute(select(SearchRow.owner).where(SearchRow.id == search_id)).scalar_one()
        keyed = select(SearchRow.id).where(SearchRow.idempotency_key == child.key)
        while connection.execute(keyed).first() is None:  # None was inserted where the random id was taken
            self._insert_search(connection, child.spec, child.key, search_id, child.forecast, None, owner)

    def _write_as_driver(self, search_id: str, attempt: int, expected: Collection[SearchStatus], **values: Any) -> None:
        statement = update(SearchRow).where(
            SearchRow.id == search_id, SearchRow.attempt == attempt, SearchRow.status.in_(expected)
        )
        with self._write() as connection:
            if connection.execute(statement.values(values)).rowcount == 0:
                refuse_driver(connection, search_id, attempt)


def _recorded(search_id: str) -> ColumnElement[int]:
    """How much is recorded of a search that no driver will do again; it never decreases while a driver runs."""
    counts = (
        select(func.count()).select_from(MeasurementRow).where(MeasurementRow.search_id == search_id),
        select(func.count())
        .select_from(TrialRow)
        .where(TrialRow.search_id == search_id, TrialRow.status.in_(_OWN_ENDS)),
        select(func.count()).select_from(SnapshotRow).where(SnapshotRow.search_id == search_id),
        select(func.count()).select_from(RunRow).where(RunRow.search_id == search_id, RunRow.reason.is_not(None)),
    )
    total: ColumnElement[int] = SearchRow.reached + sum(count.scalar_subquery() for count in counts)
    return total


def _attempt_and_status(connection: Connection, search_id: str) -> tuple[int, SearchStatus]:
    row = connection.execute(select(SearchRow.attempt, SearchRow.status).where(SearchRow.id == search_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no search {search_id!r}")
    return row.attempt, row.status


def refuse_driver(connection: Connection, search_id: str, attempt: int) -> NoReturn:
    """Raise the reason why a driver's write matched no row.

    Raises:
        NotFoundError: There is no such search.
        SearchClosedError: The search is over or paused, or is ending and the attempt is the current one.
        StaleAttemptError: The attempt no longer drives the search.
    """
    current, status = _attempt_and_status(connection, search_id)
    if status.at_rest or (status.ending and attempt == current):
        raise SearchClosedError(f"search {search_id} is {status}")
    raise StaleAttemptError(f"attempt {attempt} does not drive search {search_id}: it is {status}, attempt {current}")
