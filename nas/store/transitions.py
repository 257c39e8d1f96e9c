"""Which status of a search may follow which, and how it changes: by compare-and-set, together with its trials."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, and_, select, update

from nas.results.status import SearchStatus, TrialStatus
from nas.store.engine import Database, clean_text
from nas.store.search_rows import require_search
from nas.store.tables import SearchRow, TrialRow

ATTENDED = tuple(status for status in SearchStatus if not status.at_rest)
"""Statuses of the searches that the reconciler attends to."""

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


class Transitions(Database):
    """The status of rows of `searches`, and its explanation."""

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
            require_search(connection, search_id)
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
