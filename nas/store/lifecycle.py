"""What a user does to a search that exists: resume, extend, rename, annotate, delete it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Text, cast, delete, func, null, select, update

from nas.formatting import counted
from nas.results.actions import SearchAction, Share, actions
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import SearchSpec
from nas.store.columns import MICROSECONDS
from nas.store.engine import Database, clean_text
from nas.store.errors import ConflictError
from nas.store.places import OLDEST_FIRST
from nas.store.records import SearchRecord
from nas.store.search_rows import require_search
from nas.store.spec_documents import dump_spec
from nas.store.spending import search_seconds
from nas.store.tables import (
    ExamplesRow,
    MeasurementRow,
    OwnerRow,
    PredictionsRow,
    RunRow,
    SearchRow,
    SnapshotRow,
    TrialRow,
)

LONGEST_LIST = 5
"""How many ids a sentence names."""


class Lifecycle(Database):
    """Rows of `searches`, changed at a user's request; the store's contract says what may change."""

    def resume_search(self, search_id: str, *, retry_failed: bool = False) -> SearchRecord:
        """Put a search that was stopped, has failed or is paused back into the queue.

        Its trials stay. The next driver continues the stopped ones and proposes what is left. A search that is queued,
        starting or running already is left as it is, so that resuming twice is resuming once.

        Args:
            search_id: The search.
            retry_failed: Try the failed trials and differentiable runs again, each with all of its retries. A completed
                search that has some can be resumed with it.

        Returns:
            The search as it is now.

        Raises:
            ConflictError: The search is completed, is still stopping or pausing, or has nothing but failed trials or
                runs; or these shall be tried again while the search runs.
            NotFoundError: There is no such search.
        """
        with self._write() as connection:
            search = require_search(connection, search_id, lock=True)
            if search.status.ending:
                raise ConflictError(f"search {search_id} is still {search.status}; resume it in a few seconds")
            trials, runs = _failed(connection, search)
            failed = trials.failed + runs.failed
            if search.status.at_rest:
                _require_work(search, trials, runs, retry_failed)
                self._requeue(connection, search_id)
            elif retry_failed and failed and search.status is not SearchStatus.QUEUED:
                raise ConflictError(
                    f"search {search_id} is {search.status}: pause it first, then resume it with retry_failed"
                )
            if retry_failed and failed:
                self._reopen_failed(connection, search_id)
            return require_search(connection, search_id)

    def extend_search(
        self, search_id: str, expected: SearchSpec, spec: SearchSpec, forecast: Mapping[str, Any] | None = None
    ) -> SearchRecord | None:
        """Give a search that is over or paused a spec with more trials, and put it back into the queue.

        Args:
            search_id: The search.
            expected: The spec that `spec` was made from.
            spec: The spec with more trials, all else equal.
            forecast: The expected cost of the search as it is now, as a JSON mapping; None where it is not known.

        Returns:
            The search as it is now; None when its spec is not the expected one, and nothing was changed.

        Raises:
            ConflictError: The search is neither over nor paused.
            NotFoundError: There is no such search.
        """
        with self._write() as connection:
            search = require_search(connection, search_id, lock=True)
            if search.spec != expected:
                return None
            if not search.status.at_rest:
                raise ConflictError(f"search {search_id} is {search.status}: pause it first, or wait; then extend it")
            now = null() if forecast is None else dict(forecast)
            self._requeue(connection, search_id, spec=dump_spec(spec), forecast=now)
            return require_search(connection, search_id)

    def edit_search(
        self, search_id: str, *, name: str | None = None, notes: str | None = None, tags: Sequence[str] | None = None
    ) -> SearchRecord:
        """Change what people call a search and say about it, whatever its status. What is None stays.

        Args:
            search_id: The search.
            name: The new name.
            notes: The new remarks; empty text removes them.
            tags: All tags, which replace those it has.

        Returns:
            The search as it is now.

        Raises:
            NotFoundError: There is no such search.
        """
        with self._write() as connection:
            search = require_search(connection, search_id, lock=True)
            values: dict[str, Any] = {"updated_at": self._clock()}
            if name is not None:
                values["spec"] = dump_spec(search.spec.model_copy(update={"name": name}))
            if notes is not None:
                values["notes"] = clean_text(notes, len(notes)) or None
            if tags is not None:
                values["tags"] = list(dict.fromkeys(tags))
            connection.execute(update(SearchRow).where(SearchRow.id == search_id).values(values))
            return require_search(connection, search_id)

    def delete_search(self, search_id: str) -> None:
        """Delete a search that is over or paused, with its trials, measurements, predictions, runs and snapshots.

        Architectures, fidelities, environments and training-free scores stay: searches share them. Trials of other
        searches that were adopted from this one keep their numbers, and the name of their source.

        Raises:
            ConflictError: The search is neither over nor paused, or other searches measure its trials or start from
                what it has measured.
            NotFoundError: There is no such search.
        """
        with self._write() as connection:
            search = require_search(connection, search_id, lock=True)
            if not search.status.at_rest:
                raise ConflictError(f"search {search_id} is {search.status}: stop it first, then delete it")
            _require_unused(connection, search_id)
            if search.owner is not None:
                self._keep_spending(connection, search.owner, search_seconds(connection, search_id))
            for table in (MeasurementRow, PredictionsRow, ExamplesRow, TrialRow, SnapshotRow, RunRow):
                connection.execute(delete(table).where(table.search_id == search_id))
            connection.execute(delete(SearchRow).where(SearchRow.id == search_id))

    def _keep_spending(self, connection: Connection, owner: str, seconds: float) -> None:
        """What was spent stays spent when the search is deleted."""
        spent = round(seconds * MICROSECONDS)
        statement = self._insert(OwnerRow).values(name=owner, deleted_microseconds=spent)
        more = {"deleted_microseconds": OwnerRow.deleted_microseconds + spent}
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=more))

    def _requeue(self, connection: Connection, search_id: str, **changes: Any) -> None:
        values = {
            "status": SearchStatus.QUEUED,
            "message": None,
            "stage": null(),
            "hold_seconds": None,
            "finished_at": None,
            "updated_at": self._clock(),
        }
        connection.execute(update(SearchRow).where(SearchRow.id == search_id).values(values | changes))

    def _reopen_failed(self, connection: Connection, search_id: str) -> None:
        """Make failed trials stopped ones, which the next driver continues with all of their retries; so with runs."""
        connection.execute(
            update(TrialRow)
            .where(TrialRow.search_id == search_id, TrialRow.status == TrialStatus.FAILED)
            .values(status=TrialStatus.STOPPED, reason="to be tried again", deaths=0, updated_at=self._clock())
        )
        connection.execute(delete(RunRow).where(RunRow.search_id == search_id, RunRow.reason.is_not(None)))


def _failed(connection: Connection, search: SearchRecord) -> tuple[Share, Share]:
    """Count the trials and the differentiable runs of a search that have failed."""
    trials = select(func.count()).where(TrialRow.search_id == search.id, TrialRow.status == TrialStatus.FAILED)
    runs = select(func.count()).where(RunRow.search_id == search.id, RunRow.reason.is_not(None))
    return (
        Share(connection.execute(trials).scalar_one(), search.planned),
        Share(connection.execute(runs).scalar_one(), search.spec.runs),
    )


def _require_work(search: SearchRecord, trials: Share, runs: Share, retry_failed: bool) -> None:
    """Raise ConflictError when a search that is over or paused has nothing to go on with."""
    possible = actions(search.status, trials=trials, runs=runs, grows=False)
    if SearchAction.RESUME in possible or (retry_failed and SearchAction.RETRY in possible):
        return
    if search.status is SearchStatus.COMPLETED:
        shares = (("run", runs), ("trial", trials))
        failed = " and ".join(counted(share.failed, f"failed {noun}") for noun, share in shares if share.failed)
        hint = f"retry_failed would try its {failed} again, and " if failed else ""
        raise ConflictError(f"search {search.id} is completed, so nothing is left to resume; {hint}extend adds more")
    what = "runs" if runs.all_failed else "trials"
    raise ConflictError(f"all {what} of search {search.id} have failed; resume it with retry_failed to try them again")


def _require_unused(connection: Connection, search_id: str) -> None:
    """Raise ConflictError when other searches measure a search's trials, or start from what it has measured."""
    for condition, what in (
        (SearchRow.parent_id == search_id, "measure its trials"),
        (cast(SearchRow.origins, Text).contains(f'"{search_id}"', autoescape=True), "start from what it has measured"),
    ):
        statement = select(SearchRow.id).where(condition, SearchRow.id != search_id).order_by(*OLDEST_FIRST)
        ids = list(connection.execute(statement).scalars())
        if ids:
            more = ", ..." if len(ids) > LONGEST_LIST else ""
            listed = ", ".join(ids[:LONGEST_LIST])
            raise ConflictError(f"other searches {what}: {listed}{more}; delete those first, then {search_id}")
