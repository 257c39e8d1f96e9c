"""Trials as they happen: added, measured, ended. Every event is one transaction of at most two statements."""

from __future__ import annotations

from typing import Any, NoReturn

from sqlalchemy import Connection, and_, case, literal, select, update

from nas.results.measurement import Measurement
from nas.results.status import TrialStatus
from nas.specs import Fidelity
from nas.store.contents import Contents, canonical
from nas.store.drivers import DRIVING, refuse_driver
from nas.store.engine import clean_text
from nas.store.errors import ConflictError, NotFoundError, StaleAttemptError
from nas.store.leaderboard import TRIAL_COLUMNS, find_trial
from nas.store.records import TrialRecord
from nas.store.tables import MeasurementRow, SearchRow, TrialRow
from search_spaces.document import Architecture, architecture_to_dict

SCORED = (TrialStatus.COMPLETED, TrialStatus.PRUNED)
"""Ends that need a score."""

MEASURED = tuple(name for name in Measurement.model_fields if name in TrialRow.__table__.c)
"""What a trial has from its deepest measurement."""


class Trials(Contents):
    """Rows of `trials` and `measurements`, written by a search's driver."""

    def add_trial(  # noqa: PLR0917  the six things a trial is, in the order they are said everywhere
        self,
        search_id: str,
        driver_attempt: int,
        number: int,
        architecture: Architecture,
        fidelity: Fidelity,
        seed: int,
    ) -> TrialRecord:
        """A new running trial of attempt 1. The same content under the same number again gives the recorded row.

        The architecture is stored in its canonical form, which the record gives back: measure that one.
        StaleAttemptError when another driver took over, SearchClosedError when the search is stopping or over,
        ConflictError when the number has other content, NotFoundError.
        """
        architecture = canonical(architecture)
        record = new_trial(number, architecture, fidelity.key, seed, self._clock())
        with self._write() as connection:
            self._store_content(connection, architecture, fidelity, record.fidelity_key, record.created_at)
            inserted = connection.execute(self._insert_trial(search_id, driver_attempt, record)).one_or_none()
            if inserted is None:
                require_driver(connection, search_id, driver_attempt)
                record = same_trial(connection, search_id, record)
        self._known_fidelities.add(record.fidelity_key)
        return record

    def _insert_trial(self, search_id: str, driver_attempt: int, record: TrialRecord) -> Any:
        """INSERT ... SELECT from the search's row: without a row of that attempt there is nothing to insert.

        The shared lock (PostgreSQL; SQLite has one writer anyway) keeps the next driver from beginning until this
        trial is committed, so that it finds it among the trials it takes over.
        """
        values = column_values(record)
        columns = [literal(value, TrialRow.__table__.c[name].type) for name, value in values.items()]
        driven = (
            select(SearchRow.id, *columns)
            .where(SearchRow.id == search_id, SearchRow.attempt == driver_attempt, SearchRow.status.in_(DRIVING))
            .with_for_update(read=True)
        )
        insert = self._insert(TrialRow).from_select(["search_id", *values], driven).on_conflict_do_nothing()
        return insert.returning(TrialRow.number)  # an INSERT's row count is not known on every driver

    def begin_attempt(self, search_id: str, number: int, driver_attempt: int | None = None) -> int:
        """The number of a new attempt of a trial in flight; from now on the one before is refused.

        StaleAttemptError when the trial is over, or when `driver_attempt` is given and does not drive the search;
        NotFoundError.
        """
        with self._write() as connection:
            if driver_attempt is not None:
                require_driver(connection, search_id, driver_attempt)
            statement = (
                update(TrialRow)
                .where(_is_trial(search_id, number), TrialRow.status == TrialStatus.RUNNING)
                .values(attempt=TrialRow.attempt + 1, updated_at=self._clock())
                .returning(TrialRow.attempt)
            )
            attempt = connection.execute(statement).scalar_one_or_none()
            if attempt is None:
                _refuse_attempt(connection, search_id, number, None)
            return attempt

    def record_measurement(self, search_id: str, number: int, attempt: int, measurement: Measurement) -> None:
        """One rung's result. The same rung again keeps what was recorded first, and is no error.

        The trial's score follows the deepest rung only. StaleAttemptError when the attempt is not the current one
        or the trial is over; NotFoundError.
        """
        now = self._clock()
        deeper = and_(TrialRow.iteration.is_not(None), TrialRow.iteration >= measurement.iteration)
        latest = {"updated_at": now, **{name: getattr(measurement, name) for name in MEASURED}}
        columns = TrialRow.__table__.c
        statement = (
            update(TrialRow)
            .where(_is_trial(search_id, number), *_is_current(attempt))
            .values({name: case((deeper, columns[name]), else_=value) for name, value in latest.items()})
        )
        with self._write() as connection:
            if connection.execute(statement).rowcount == 0:
                if not _is_recorded(connection, search_id, number, attempt, measurement.iteration):
                    _refuse_attempt(connection, search_id, number, attempt)
                return
            content = {
                "search_id": search_id,
                "number": number,
                "attempt": attempt,
                "created_at": now,
                **measurement.model_dump(mode="json"),
            }
            connection.execute(self._insert(MeasurementRow).on_conflict_do_nothing(), content)

    def finish_trial(
        self, search_id: str, number: int, attempt: int, status: TrialStatus, reason: str | None = None
    ) -> None:
        """The end of a trial. The same end again is no error.

        StaleAttemptError when the attempt is not the current one or the trial ended otherwise; ValueError when the
        status is no end, or needs a score and nothing was measured; NotFoundError.
        """
        if not status.terminal:
            raise ValueError(f"a trial cannot finish as {status}; it can as completed, pruned, failed or stopped")
        now = self._clock()
        statement = (
            update(TrialRow)
            .where(_is_trial(search_id, number), *_is_current(attempt))
            .values(status=status, reason=clean_text(reason), updated_at=now, finished_at=now)
        )
        if status in SCORED:
            statement = statement.where(TrialRow.score.is_not(None))
        with self._write() as connection:
            if connection.execute(statement).rowcount == 0:
                _refuse_end(connection, search_id, number, attempt, status)


def new_trial(number: int, architecture: Architecture, fidelity_key: str, seed: int, now: float) -> TrialRecord:
    """The record of a running trial of attempt 1; the architecture is in its canonical form."""
    return TrialRecord(
        number=number,
        architecture_key=architecture.key,
        architecture_json=architecture_to_dict(architecture),
        fidelity_key=fidelity_key,
        seed=seed,
        created_at=now,
        updated_at=now,
    )


def column_values(record: TrialRecord) -> dict[str, Any]:
    """What a record says of its row, by column; what it does not know is left out."""
    values = {name: getattr(record, name) for name in TRIAL_COLUMNS}
    return {name: value for name, value in values.items() if value is not None}


def _is_trial(search_id: str, number: int) -> Any:
    return and_(TrialRow.search_id == search_id, TrialRow.number == number)


def _is_current(attempt: int) -> tuple[Any, Any]:
    """What every write to a trial is conditional on: the attempt is the current one and the trial is not over."""
    return TrialRow.attempt == attempt, TrialRow.status == TrialStatus.RUNNING


def require_driver(connection: Connection, search_id: str, attempt: int) -> None:
    """Keep the driver in place until the transaction ends. NotFoundError, StaleAttemptError, SearchClosedError."""
    driven = (
        select(SearchRow.id)
        .where(SearchRow.id == search_id, SearchRow.attempt == attempt, SearchRow.status.in_(DRIVING))
        .with_for_update(read=True)
    )
    if connection.execute(driven).one_or_none() is None:
        refuse_driver(connection, search_id, attempt)


def same_trial(connection: Connection, search_id: str, new: TrialRecord) -> TrialRecord:
    """The recorded trial that a driver's insert met, when it is the same one. ConflictError."""
    recorded = find_trial(connection, search_id, new.number)
    assert recorded is not None, "the insert was skipped for a row of this number"
    same = (recorded.architecture_key, recorded.fidelity_key, recorded.seed)
    if same != (new.architecture_key, new.fidelity_key, new.seed):
        raise ConflictError(f"trial {new.number} of search {search_id} is recorded with other content")
    return recorded


def _is_recorded(connection: Connection, search_id: str, number: int, attempt: int, iteration: int) -> bool:
    """Whether this attempt has recorded this rung, and is still the last one (of a trial that is over)."""
    statement = (
        select(MeasurementRow.iteration)
        .join(TrialRow, and_(TrialRow.search_id == MeasurementRow.search_id, TrialRow.number == MeasurementRow.number))
        .where(_is_trial(search_id, number), TrialRow.attempt == attempt, MeasurementRow.iteration == iteration)
    )
    return connection.execute(statement).one_or_none() is not None


def _refuse_end(connection: Connection, search_id: str, number: int, attempt: int, status: TrialStatus) -> None:
    """Why an end found no row to write to; nothing when it is recorded already."""
    trial = find_trial(connection, search_id, number)
    if trial is not None and trial.attempt == attempt:
        if trial.status == status:
            return
        if not trial.status.terminal and trial.score is None:
            raise ValueError(f"trial {number} of search {search_id} has measured nothing: it cannot end as {status}")
    _refuse_attempt(connection, search_id, number, attempt)


def _refuse_attempt(connection: Connection, search_id: str, number: int, attempt: int | None) -> NoReturn:
    trial = find_trial(connection, search_id, number)
    if trial is None:
        raise NotFoundError(f"there is no trial {number} of search {search_id!r}")
    what = "a new attempt" if attempt is None else f"attempt {attempt}"
    raise StaleAttemptError(
        f"{what} of trial {number} of search {search_id} is refused: it is {trial.status}, attempt {trial.attempt}"
    )
