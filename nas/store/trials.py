"""Recording trials: added, measured, ended. Every event is one transaction of at most two statements."""

from __future__ import annotations

from typing import Any, NoReturn

from sqlalchemy import Connection, and_, case, func, literal, select, update

from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.status import SCORED, TrialStatus
from nas.store.contents import Contents
from nas.store.drivers import ACTIVE, refuse_driver
from nas.store.engine import clean_text
from nas.store.errors import ConflictError, NotFoundError, StaleAttemptError
from nas.store.leaderboard import find_trial
from nas.store.records import TrialRecord
from nas.store.standing import TRIAL_COLUMNS
from nas.store.tables import MeasurementRow, SearchRow, TrialRow
from search_spaces.document import architecture_to_dict, canonical

MEASURED = tuple(name for name in Measurement.model_fields if name in TrialRow.__table__.c)
"""The fields that a trial copies from its deepest measurement."""


class Trials(Contents):
    """Rows of `trials` and `measurements`, written by a search's driver and its trials' processes."""

    def add_trial(self, search_id: str, driver_attempt: int, proposal: Proposal) -> TrialRecord:
        """Add a running trial of attempt 1. The same content under the same number again gives the recorded trial.

        Args:
            search_id: The search whose driver writes.
            driver_attempt: The driver's attempt.
            proposal: The trial; its architecture is stored in its canonical form.

        Returns:
            The recorded trial. Its architecture, in canonical form, is the one to measure.

        Raises:
            ConflictError: The number is recorded with other content.
            NotFoundError: There is no such search.
            SearchClosedError: The search is stopping, pausing, paused or over.
            StaleAttemptError: The attempt no longer drives the search.
        """
        record = new_trial(proposal, self._clock())
        with self._write() as connection:
            self._store_content(
                connection, record.architecture, proposal.fidelity, record.fidelity_key, record.created_at
            )
            inserted = connection.execute(self._insert_trial(search_id, driver_attempt, record)).one_or_none()
            if inserted is None:
                require_driver(connection, search_id, driver_attempt)
                record = same_trial(connection, search_id, record)
        self._known_fidelities.add(record.fidelity_key)
        return record

    def _insert_trial(self, search_id: str, driver_attempt: int, record: TrialRecord) -> Any:
        """INSERT ... SELECT from the search's row: without a row of that attempt nothing is inserted.

        The shared lock (PostgreSQL; SQLite has one writer anyway) keeps the next driver from beginning until this
        trial is committed, so that the next driver finds it among the trials to continue.
        """
        values = column_values(record)
        columns = [literal(value, TrialRow.__table__.c[name].type) for name, value in values.items()]
        current_driver = (
            select(SearchRow.id, *columns)
            .where(SearchRow.id == search_id, SearchRow.attempt == driver_attempt, SearchRow.status.in_(ACTIVE))
            .with_for_update(read=True)
        )
        insert = self._insert(TrialRow).from_select(["search_id", *values], current_driver).on_conflict_do_nothing()
        return insert.returning(TrialRow.number)  # not every database driver knows the row count of an INSERT

    def begin_attempt(
        self, search_id: str, number: int, driver_attempt: int | None = None, deaths: int | None = None
    ) -> int:
        """Begin a new attempt of a trial; from now on writes of the attempt before are refused.

        The trial is a running one, or for a driver (`driver_attempt`) also one that was stopped with its search: that
        trial runs again, and keeps what it has measured.

        Args:
            search_id: The search.
            number: The trial's number within the search.
            driver_attempt: Where given, this driver attempt must be the current one.
            deaths: How many processes of the trial have died by now; None leaves the count as it is. It is a total, so
                that a write that is repeated because its answer was lost counts once.

        Returns:
            The number of the new attempt.

        Raises:
            NotFoundError: There is no such trial; with `driver_attempt`, also no such search.
            SearchClosedError: With `driver_attempt`: the search is stopping, pausing, paused or over.
            StaleAttemptError: The trial is over, or `driver_attempt` no longer drives the search.
        """
        may_begin = (TrialStatus.RUNNING,) if driver_attempt is None else (TrialStatus.RUNNING, TrialStatus.STOPPED)
        running = {"status": TrialStatus.RUNNING, "finished_at": None, "reason": None}
        counted = {} if deaths is None else {"deaths": deaths}
        with self._write() as connection:
            if driver_attempt is not None:
                require_driver(connection, search_id, driver_attempt)
            statement = (
                update(TrialRow)
                .where(_is_trial(search_id, number), TrialRow.status.in_(may_begin))
                .values(attempt=TrialRow.attempt + 1, updated_at=self._clock(), **running, **counted)
                .returning(TrialRow.attempt)
            )
            attempt = connection.execute(statement).scalar_one_or_none()
            if attempt is None:
                _refuse_attempt(connection, search_id, number, None)
            return attempt

    def record_measurement(  # noqa: PLR0917  what is written, and by whom
        self,
        search_id: str,
        number: int,
        attempt: int,
        measurement: Measurement,
        judged: bool | None = None,
        node: str | None = None,
        *,
        value: float | None = None,
    ) -> None:
        """Record the result of one rung. The same rung again changes nothing and is no error.

        The score of the trial becomes the measurement's only where no deeper rung is recorded.

        Args:
            search_id: The search.
            number: The trial's number within the search.
            attempt: The trial's attempt that has measured.
            measurement: The result; names its rung.
            judged: Where the trial continues from this rung, whether early stopping could judge it there; see
                `nas.results.standing`. None where it does not continue, or nothing is ever stopped.
            node: Where it was measured; None leaves what is recorded.
            value: By which trials are ordered at this rung (see `nas.specs.Goals`); None: the score.

        Raises:
            NotFoundError: There is no such trial.
            StaleAttemptError: The attempt is not the current one, or the trial is over.
        """
        now = self._clock()
        latest = _latest(measurement, measurement.score if value is None else value, judged, node, now)
        statement = update(TrialRow).where(_is_trial(search_id, number), *_is_current(attempt)).values(latest)
        with self._write() as connection:
            if connection.execute(statement).rowcount == 0:
                if not _is_recorded(connection, search_id, number, attempt, measurement.iteration):
                    _refuse_attempt(connection, search_id, number, attempt)
                return
            environment = measurement.environment
            content = {
                "search_id": search_id,
                "number": number,
                "attempt": attempt,
                "created_at": now,
                **measurement.model_dump(mode="json", exclude={"environment"}),
                "environment_key": None if environment is None else environment.key,
            }
            if environment is not None:
                self._store_environment(connection, environment, now)
            connection.execute(self._insert(MeasurementRow).on_conflict_do_nothing(), content)
        if environment is not None:
            self._known_environments.add(environment.key)

    def finish_trial(  # noqa: PLR0917  what is written, and by whom
        self,
        search_id: str,
        number: int,
        attempt: int,
        status: TrialStatus,
        reason: str | None = None,
        node: str | None = None,
    ) -> None:
        """End a trial. The same end again is no error.

        Args:
            search_id: The search.
            number: The trial's number within the search.
            attempt: The trial's attempt that ends.
            status: The terminal status that the trial ends with.
            reason: Why, as a sentence for the user.
            node: Where the attempt ran; None leaves what is recorded.

        Raises:
            NotFoundError: There is no such trial.
            StaleAttemptError: The attempt is not the current one, or the trial has ended with another status.
            ValueError: The status is not terminal, or needs a score and nothing was measured.
        """
        if not status.terminal:
            raise ValueError(f"a trial cannot finish as {status}; it can as completed, pruned, failed or stopped")
        now = self._clock()
        statement = (
            update(TrialRow)
            .where(_is_trial(search_id, number), *_is_current(attempt))
            .values(status=status, reason=clean_text(reason), updated_at=now, finished_at=now)
        )
        if node is not None:
            statement = statement.values(node=node)
        if status in SCORED:
            statement = statement.where(TrialRow.score.is_not(None))
        with self._write() as connection:
            if connection.execute(statement).rowcount == 0:
                _refuse_end(connection, search_id, number, attempt, status)


def new_trial(proposal: Proposal, now: float) -> TrialRecord:
    """Make the record of a running trial of attempt 1, with the canonical form of the proposed architecture."""
    architecture = canonical(proposal.architecture)
    return TrialRecord(
        number=proposal.number,
        architecture_key=architecture.key,
        architecture_json=architecture_to_dict(architecture),
        fidelity_key=proposal.fidelity.key,
        seed=proposal.seed,
        created_at=now,
        updated_at=now,
    )


def column_values(record: TrialRecord) -> dict[str, Any]:
    """Map the columns of `trials` to the values of a record; fields that are None are left out."""
    values = {name: getattr(record, name) for name in TRIAL_COLUMNS}
    return {name: value for name, value in values.items() if value is not None}


def _latest(
    measurement: Measurement, value: float, judged: bool | None, node: str | None, now: float
) -> dict[str, Any]:
    """The columns of a trial after a measurement; each keeps what it has where a deeper rung is recorded."""
    numbers = measurement.model_dump(mode="json", include=set(MEASURED))
    found = {"updated_at": now, "value": value, **{name: numbers.get(name) for name in MEASURED}}
    if node is not None:
        found["node"] = node
    columns = TrialRow.__table__.c
    latest: dict[str, Any] = {name: literal(one, columns[name].type) for name, one in found.items()}
    if judged is not None:
        latest |= _unjudged(measurement.iteration, value, judged)
    deeper = and_(TrialRow.iteration.is_not(None), TrialRow.iteration >= measurement.iteration)
    return {name: case((deeper, columns[name]), else_=one) for name, one in latest.items()}


def _unjudged(iteration: int, value: float, judged: bool) -> dict[str, Any]:
    """The columns of the unjudged rung, after a trial has passed this one: the first such rung, until it is judged."""
    if judged:
        return {"unjudged_iteration": None, "unjudged_score": None}
    return {
        "unjudged_iteration": func.coalesce(TrialRow.unjudged_iteration, iteration),
        "unjudged_score": func.coalesce(TrialRow.unjudged_score, value),
    }


def _is_trial(search_id: str, number: int) -> Any:
    return and_(TrialRow.search_id == search_id, TrialRow.number == number)


def _is_current(attempt: int) -> tuple[Any, Any]:
    """The conditions of every write to a trial: the attempt is the current one and the trial is not over."""
    return TrialRow.attempt == attempt, TrialRow.status == TrialStatus.RUNNING


def require_driver(connection: Connection, search_id: str, attempt: int) -> None:
    """Check that a driver's attempt is the current one, and keep it so until the transaction ends.

    Raises:
        NotFoundError: There is no such search.
        SearchClosedError: The search is stopping, pausing, paused or over.
        StaleAttemptError: The attempt no longer drives the search.
    """
    current_driver = (
        select(SearchRow.id)
        .where(SearchRow.id == search_id, SearchRow.attempt == attempt, SearchRow.status.in_(ACTIVE))
        .with_for_update(read=True)
    )
    if connection.execute(current_driver).one_or_none() is None:
        refuse_driver(connection, search_id, attempt)


def same_trial(connection: Connection, search_id: str, new: TrialRecord) -> TrialRecord:
    """Read the recorded trial that has the number of a new one, and check that both have the same content.

    Raises:
        ConflictError: The number is recorded with other content.
    """
    recorded = find_trial(connection, search_id, new.number)
    assert recorded is not None, "the insert was skipped for a row of this number"
    same = (recorded.architecture_key, recorded.fidelity_key, recorded.seed)
    if same != (new.architecture_key, new.fidelity_key, new.seed):
        raise ConflictError(f"trial {new.number} of search {search_id} is recorded with other content")
    return recorded


def _is_recorded(connection: Connection, search_id: str, number: int, attempt: int, iteration: int) -> bool:
    """Whether this attempt has recorded this rung and is the last attempt; the trial may be over."""
    statement = (
        select(MeasurementRow.iteration)
        .join(TrialRow, and_(TrialRow.search_id == MeasurementRow.search_id, TrialRow.number == MeasurementRow.number))
        .where(_is_trial(search_id, number), TrialRow.attempt == attempt, MeasurementRow.iteration == iteration)
    )
    return connection.execute(statement).one_or_none() is not None


def _refuse_end(connection: Connection, search_id: str, number: int, attempt: int, status: TrialStatus) -> None:
    """Raise the reason why the end of a trial matched no row; return when the same end is recorded already."""
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
