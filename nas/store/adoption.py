"""Adopted trials: trials that need not run, since another trial, of any search, has measured the same before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, literal, select

from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.standing import Standing
from nas.results.status import TrialStatus
from nas.store.drivers import ACTIVE
from nas.store.errors import ConflictError, NotFoundError
from nas.store.leaderboard import find_trial
from nas.store.records import TrialRecord
from nas.store.standing import TRIAL, TRIAL_COLUMNS
from nas.store.tables import MeasurementRow, SearchRow, TrialRow
from nas.store.trials import MEASURED, Trials, column_values, new_trial, require_driver, same_trial


class Adoption(Trials):
    """Finds completed trials by their content, and adopts them."""

    def find_measured(
        self,
        architecture_key: str,
        fidelity_key: str,
        seed: int,
        environment_key: str,
        *,
        within: Collection[str] | None = None,
    ) -> tuple[str, TrialRecord] | None:
        """Find the oldest completed trial of an architecture, a fidelity and a seed, by the environment of its score.

        An adopted trial is only found where none that ran is left, since searches can be deleted. Trials whose
        environment is not known are never found.

        Args:
            architecture_key: The key of the canonical architecture.
            fidelity_key: The key of the fidelity.
            seed: The seed.
            environment_key: The key of the environment in which the trial would be measured.
            within: The ids of the searches to look in; None looks in all.

        Returns:
            The trial and the id of its search, or None.
        """
        statement = (
            TRIAL.add_columns(TrialRow.search_id)
            .join(
                MeasurementRow,
                and_(
                    MeasurementRow.search_id == TrialRow.search_id,
                    MeasurementRow.number == TrialRow.number,
                    MeasurementRow.iteration == TrialRow.iteration,
                    MeasurementRow.environment_key == environment_key,
                ),
            )
            .where(
                TrialRow.architecture_key == architecture_key,
                TrialRow.fidelity_key == fidelity_key,
                TrialRow.seed == seed,
                TrialRow.status == TrialStatus.COMPLETED,
            )
            .order_by(TrialRow.source.is_not(None), TrialRow.created_at, TrialRow.search_id, TrialRow.number)
            .limit(1)
        )
        if within is not None:
            statement = statement.where(TrialRow.search_id.in_(within))
        with self._read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else (row[-1], TrialRecord(*row[:-1]))

    def adopt_trial(
        self,
        search_id: str,
        driver_attempt: int,
        proposal: Proposal,
        source_search: str,
        source_number: int,
        *,
        pruned_at: int | None = None,
        unjudged: Standing | None = None,
        value: float | None = None,
    ) -> TrialRecord:
        """Add a trial that is over at once, with the numbers and the learning curve of its source.

        Where the source was adopted itself, its own source is recorded instead. The same content under the same number
        again gives the recorded trial, whatever its source, even one that is running.

        Args:
            search_id: The search whose driver writes.
            driver_attempt: The driver's attempt.
            proposal: The new trial; its architecture is stored in its canonical form.
            source_search: The id of the source's search.
            source_number: The source's number within its search.
            pruned_at: The rung at which early stopping ends the new trial: it is pruned there, without the source's
                later rungs. None adopts all rungs, and the trial is completed.
            unjudged: The first rung that the new trial passes unjudged, and its score there; see
                `nas.results.standing`.
            value: By which trials of the new search are ordered, at the rung where this one ends; None: the score.

        Returns:
            The recorded trial.

        Raises:
            ConflictError: The number is recorded with other content, or the source is not completed, has another
                architecture, fidelity or seed, or has not measured the rung `pruned_at`.
            NotFoundError: There is no such search or source.
            SearchClosedError: The search is stopping, pausing, paused or over.
            StaleAttemptError: The attempt no longer drives the search.
        """
        new = new_trial(proposal, self._clock())
        status = TrialStatus.COMPLETED if pruned_at is None else TrialStatus.PRUNED
        new = replace(new, status=status, iteration=pruned_at, finished_at=new.created_at, value=value)
        if unjudged is not None:
            new = replace(new, unjudged_iteration=unjudged[0], unjudged_score=unjudged[1])
        while True:
            with self._write() as connection:
                result = connection.execute(self._adopt(search_id, driver_attempt, new, source_search, source_number))
                adopted = result.mappings().one_or_none()
                if adopted is not None:
                    connection.execute(self._copy_curve(search_id, new, source_search, source_number))
                    break
                require_driver(connection, search_id, driver_attempt)
                _require_source(connection, new, source_search, source_number)
                if find_trial(connection, search_id, new.number) is not None:
                    return same_trial(connection, search_id, new)
            # On PostgreSQL the source was completed between the two statements: now it can be adopted.
        return TrialRecord(**adopted, architecture_json=new.architecture_json)

    def _adopt(
        self, search_id: str, driver_attempt: int, new: TrialRecord, source_search: str, source_number: int
    ) -> Any:
        """INSERT ... SELECT from the rows of the search and of the source: without both nothing is inserted."""
        values = {name: value for name, value in column_values(new).items() if name not in MEASURED}
        columns, measured = TrialRow.__table__.c, MeasurementRow.__table__.c
        score = () if new.value is not None else (measured["score"],)
        deepest = TrialRow.iteration if new.iteration is None else literal(new.iteration)
        of_source = and_(MeasurementRow.search_id == source_search, MeasurementRow.number == source_number)
        original = func.coalesce(TrialRow.source, literal(f"{source_search}/{source_number}", columns["source"].type))
        driver_and_source = (
            select(
                SearchRow.id,
                *(literal(value, columns[name].type) for name, value in values.items()),
                *(measured[name] for name in MEASURED),
                original,
                *score,
            )
            .join_from(SearchRow, TrialRow, _is_source(new, source_search, source_number))
            .join(MeasurementRow, and_(of_source, MeasurementRow.iteration == deepest))
            .where(SearchRow.id == search_id, SearchRow.attempt == driver_attempt, SearchRow.status.in_(ACTIVE))
            .with_for_update(read=True, of=SearchRow)
        )
        names = ["search_id", *values, *MEASURED, "source", *(["value"] if score else [])]
        insert = self._insert(TrialRow).from_select(names, driver_and_source).on_conflict_do_nothing()
        return insert.returning(*(columns[name] for name in TRIAL_COLUMNS))

    def _copy_curve(self, search_id: str, new: TrialRecord, source_search: str, source_number: int) -> Any:
        columns = MeasurementRow.__table__.c
        values = {"search_id": search_id, "number": new.number, "attempt": new.attempt, "created_at": new.created_at}
        copied = (*(name for name in Measurement.model_fields if name in columns), "environment_key")
        curve = select(
            *(literal(value, columns[name].type) for name, value in values.items()),
            *(columns[name] for name in copied),
        ).where(MeasurementRow.search_id == source_search, MeasurementRow.number == source_number)
        if new.iteration is not None:
            curve = curve.where(MeasurementRow.iteration <= new.iteration)
        return self._insert(MeasurementRow).from_select([*values, *copied], curve)


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
    """Raise NotFoundError or ConflictError when the new trial cannot adopt this source."""
    source = find_trial(connection, source_search, source_number)
    if source is None:
        raise NotFoundError(f"there is no trial {source_number} of search {source_search!r} to adopt")
    name = f"trial {source_number} of search {source_search}"
    if source.status is not TrialStatus.COMPLETED:
        raise ConflictError(f"{name} cannot be adopted: it is {source.status}, not completed")
    content = (source.architecture_key, source.fidelity_key, source.seed)
    if content != (new.architecture_key, new.fidelity_key, new.seed):
        raise ConflictError(f"{name} cannot be adopted as trial {new.number}: it measured other content")
    rung = select(MeasurementRow.iteration).where(
        MeasurementRow.search_id == source_search,
        MeasurementRow.number == source_number,
        MeasurementRow.iteration == new.iteration,
    )
    if new.iteration is not None and connection.execute(rung).one_or_none() is None:
        raise ConflictError(f"{name} cannot be adopted as trial {new.number}: it has not measured {new.iteration}")
