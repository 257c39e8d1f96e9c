"""Trials that need not run: what was measured before, anywhere, is adopted with its source named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, literal, select

from nas.results.measurement import Measurement
from nas.results.status import TrialStatus
from nas.specs import Fidelity
from nas.store.contents import canonical
from nas.store.drivers import DRIVING
from nas.store.errors import ConflictError, NotFoundError
from nas.store.leaderboard import TRIAL, TRIAL_COLUMNS, find_trial
from nas.store.records import TrialRecord
from nas.store.tables import MeasurementRow, SearchRow, TrialRow
from nas.store.trials import MEASURED, Trials, column_values, new_trial, require_driver, same_trial
from search_spaces.document import Architecture


class Adoption(Trials):
    """Finds trials by what they measured, and adopts them."""

    def find_measured(
        self, architecture_key: str, fidelity_key: str, seed: int, *, within: Collection[str] | None = None
    ) -> tuple[str, TrialRecord] | None:
        """The oldest completed trial of this content, with its search's id; None when there is none.

        Of the searches `within`, or of all. Never an adopted one: its source is as old and says the same.
        """
        statement = (
            TRIAL.add_columns(TrialRow.search_id)
            .where(
                TrialRow.architecture_key == architecture_key,
                TrialRow.fidelity_key == fidelity_key,
                TrialRow.seed == seed,
                TrialRow.status == TrialStatus.COMPLETED,
                TrialRow.source.is_(None),
            )
            .order_by(TrialRow.created_at, TrialRow.search_id, TrialRow.number)
            .limit(1)
        )
        if within is not None:
            statement = statement.where(TrialRow.search_id.in_(within))
        with self._read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else (row[-1], TrialRecord(*row[:-1]))

    def adopt_trial(  # noqa: PLR0917  a trial as in add_trial, and the two things that name its source
        self,
        search_id: str,
        driver_attempt: int,
        number: int,
        architecture: Architecture,
        fidelity: Fidelity,
        seed: int,
        source_search: str,
        source_number: int,
    ) -> TrialRecord:
        """A trial that is completed at once, with the numbers and the learning curve of another one: nothing runs.

        The source of an adopted trial is named in its stead. The same content under the same number again gives the
        recorded row, whatever its source, also one that runs.

        StaleAttemptError when another driver took over, SearchClosedError when the search is stopping or over,
        ConflictError when the number has other content, or when the source is not completed or is another
        architecture, fidelity or seed; NotFoundError for an unknown search or source.
        """
        new = new_trial(number, canonical(architecture), fidelity.key, seed, self._clock())
        while True:
            with self._write() as connection:
                result = connection.execute(self._adopt(search_id, driver_attempt, new, source_search, source_number))
                adopted = result.mappings().one_or_none()
                if adopted is not None:
                    connection.execute(self._copy_curve(search_id, new, source_search, source_number))
                    break
                require_driver(connection, search_id, driver_attempt)
                _require_source(connection, new, source_search, source_number)
                if find_trial(connection, search_id, number) is not None:
                    return same_trial(connection, search_id, new)
            # The source was completed between the statements (PostgreSQL): now it can be adopted.
        return TrialRecord(**adopted, architecture_json=new.architecture_json)

    def _adopt(
        self, search_id: str, driver_attempt: int, new: TrialRecord, source_search: str, source_number: int
    ) -> Any:
        """INSERT ... SELECT from the search's row and the source's: without both there is nothing to insert."""
        given = column_values(replace(new, status=TrialStatus.COMPLETED, finished_at=new.created_at))
        columns = TrialRow.__table__.c
        named = func.coalesce(TrialRow.source, literal(f"{source_search}/{source_number}", columns["source"].type))
        driven_and_measured = (
            select(
                SearchRow.id,
                *(literal(value, columns[name].type) for name, value in given.items()),
                *(columns[name] for name in MEASURED),
                named,
            )
            .join_from(SearchRow, TrialRow, _is_source(new, source_search, source_number))
            .where(SearchRow.id == search_id, SearchRow.attempt == driver_attempt, SearchRow.status.in_(DRIVING))
            .with_for_update(read=True, of=SearchRow)
        )
        names = ["search_id", *given, *MEASURED, "source"]
        insert = self._insert(TrialRow).from_select(names, driven_and_measured).on_conflict_do_nothing()
        return insert.returning(*(columns[name] for name in TRIAL_COLUMNS))

    def _copy_curve(self, search_id: str, new: TrialRecord, source_search: str, source_number: int) -> Any:
        columns = MeasurementRow.__table__.c
        given = {"search_id": search_id, "number": new.number, "attempt": new.attempt, "created_at": new.created_at}
        copied = tuple(Measurement.model_fields)
        curve = select(
            *(literal(value, columns[name].type) for name, value in given.items()),
            *(columns[name] for name in copied),
        ).where(MeasurementRow.search_id == source_search, MeasurementRow.number == source_number)
        return self._insert(MeasurementRow).from_select([*given, *copied], curve)


def _is_source(new: TrialRecord, source_search: str, source_number: int) -> ColumnElement[bool]:
    return and_(
        TrialRow.search_id == source_search,
        TrialRow.number == source_number,
        TrialRow.architecture_key == new.architecture_key,
        TrialRow.fidelity_key == new.fidelity_key,
        TrialRow.seed == new.seed,
        TrialRow.status == TrialStatus.COMPLETED,
    )


def _require_source(connection: Connection, new: TrialRecord, source_search: str, source_number: int) -> None:
    """NotFoundError or ConflictError when the trial cannot be adopted as the new one."""
    source = find_trial(connection, source_search, source_number)
    if source is None:
        raise NotFoundError(f"there is no trial {source_number} of search {source_search!r} to adopt")
    name = f"trial {source_number} of search {source_search}"
    if source.status is not TrialStatus.COMPLETED:
        raise ConflictError(f"{name} cannot be adopted: it is {source.status}, not completed")
    content = (source.architecture_key, source.fidelity_key, source.seed)
    if content != (new.architecture_key, new.fidelity_key, new.seed):
        raise ConflictError(f"{name} cannot be adopted as trial {new.number}: it measured other content")
