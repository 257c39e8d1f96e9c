"""Reading trials: one, all, the best, a page, and their learning curves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, Select, and_, or_, select

from nas.results.measurement import Measurement
from nas.results.status import TrialStatus
from nas.store.cursors import check_limit, decode, encode
from nas.store.engine import Database
from nas.store.errors import NotFoundError
from nas.store.records import Page, TrialRecord
from nas.store.tables import ArchitectureRow, MeasurementRow, TrialRow

TrialOrder = Literal["number", "-number", "score", "-score"]

TRIAL_COLUMNS = tuple(field.name for field in fields(TrialRecord) if field.name in TrialRow.__table__.c)
"""The columns of `trials` that are fields of a record too."""

TRIAL = select(
    *(
        TrialRow.__table__.c[field.name] if field.name in TRIAL_COLUMNS else ArchitectureRow.document.label(field.name)
        for field in fields(TrialRecord)
    )
).join_from(TrialRow, ArchitectureRow, ArchitectureRow.key == TrialRow.architecture_key)
"""Selects the fields of a record in their order, so that `TrialRecord(*row)` makes one of a row."""

_MEASURED = tuple(Measurement.model_fields)


class Leaderboard(Database):
    """Reads of `trials` and `measurements`."""

    def get_trial(self, search_id: str, number: int) -> TrialRecord:
        """Read one trial.

        Raises:
            NotFoundError: There is no such trial.
        """
        with self._read() as connection:
            trial = find_trial(connection, search_id, number)
        if trial is None:
            raise NotFoundError(f"there is no trial {number} of search {search_id!r}")
        return trial

    def all_trials(self, search_id: str) -> list[TrialRecord]:
        """Read every trial of a search in the order of their numbers."""
        return self._trials(TRIAL.where(TrialRow.search_id == search_id).order_by(TrialRow.number))

    def changed_trials(self, search_id: str, since: float) -> list[TrialRecord]:
        """Read the trials that were written to after a time, in the order of their last change.

        To follow a search, pass the last `updated_at` that was read. On PostgreSQL a write that began before another
        one may become visible after it: a caller that must not miss any passes a time one second earlier and drops the
        trials that it has read already.

        Args:
            search_id: The search.
            since: An `updated_at`, in seconds since the epoch.
        """
        changed = and_(TrialRow.search_id == search_id, TrialRow.updated_at > since)
        return self._trials(TRIAL.where(changed).order_by(TrialRow.updated_at, TrialRow.number))

    def best_trial(self, search_id: str) -> TrialRecord | None:
        """Find the trial with the highest score at the deepest rung that any trial of the search has reached.

        Scores of different rungs do not compare, so a score at a shallower rung never wins. Of equal trials the one
        with the lower number is the best. Failed trials are left out; trials that were stopped with the search count.

        Returns:
            The trial; None while no trial has a score.
        """
        trials = self._trials(best_of(TRIAL.where(TrialRow.search_id == search_id)))
        return trials[0] if trials else None

    def list_trials(
        self,
        search_id: str,
        order_by: TrialOrder = "number",
        status: TrialStatus | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[TrialRecord]:
        """Read one page of a search's trials.

        New trials never shift a page. A trial whose score changes between two pages may be on both or on neither.

        Args:
            search_id: The search.
            order_by: "-" means descending. By score, trials without one come last in either direction, and equal
                scores are in the order of their numbers.
            status: Read only trials of this status.
            limit: The number of trials on the page, 1 to 1000.
            cursor: The cursor of the page before; None reads the first page.

        Raises:
            ValueError: The order is unknown, the limit is not between 1 and 1000, or the cursor is not one of this
                listing.
        """
        if order_by not in ("number", "-number", "score", "-score"):
            raise ValueError(f"order_by must be number, -number, score or -score, not {order_by!r}")
        base = TRIAL.where(TrialRow.search_id == search_id)
        if status is not None:
            base = base.where(TrialRow.status == status)
        rows = check_limit(limit) + 1  # one more row shows whether there is a next page
        if order_by.endswith("number"):
            trials = self._trials(_by_number(base, order_by, cursor).limit(rows))
        else:
            trials = self._by_score(base, order_by, cursor, rows)
        page = trials[:limit]
        more = len(trials) > limit
        return Page(tuple(page), _cursor_after(order_by, page[-1]) if more else None)

    def _by_score(self, base: Select[Any], order: str, cursor: str | None, rows: int) -> list[TrialRecord]:
        """Read scored trials, then the others: two ranges of one index instead of sorting every trial of the search."""
        scored, unscored = base.where(TrialRow.score.is_not(None)), base.where(TrialRow.score.is_(None))
        column = TrialRow.score if order == "score" else TrialRow.score.desc()
        scored = scored.order_by(column, TrialRow.number).limit(rows)
        trials: list[TrialRecord] = []
        if cursor is not None:
            score, number = decode(order, cursor, (int, float, type(None)), int)
            if score is None:
                return self._trials(unscored.where(TrialRow.number > number).order_by(TrialRow.number).limit(rows))
            beyond = TrialRow.score > score if order == "score" else TrialRow.score < score
            scored = scored.where(or_(beyond, and_(TrialRow.score == score, TrialRow.number > number)))
        trials = self._trials(scored)
        if len(trials) < rows:
            trials += self._trials(unscored.order_by(TrialRow.number).limit(rows - len(trials)))
        return trials

    def curve(self, search_id: str, number: int) -> list[Measurement]:
        """Read the learning curve of a trial: its measurements in the order of iterations.

        Raises:
            NotFoundError: There is no such trial.
        """
        statement = (
            select(MeasurementRow.__table__)
            .where(MeasurementRow.search_id == search_id, MeasurementRow.number == number)
            .order_by(MeasurementRow.iteration)
        )
        with self._read() as connection:
            points = [read_measurement(row) for row in connection.execute(statement).mappings()]
            if not points and find_trial(connection, search_id, number) is None:
                raise NotFoundError(f"there is no trial {number} of search {search_id!r}")
        return points

    def rung_scores(self, search_id: str, numbers: Collection[int]) -> dict[int, list[tuple[int, float]]]:
        """Read (iteration, score) at each rung of some trials, by trial number; a trial without any has an empty list.

        Args:
            search_id: The search.
            numbers: Of the trials, as many as a page holds.
        """
        row = MeasurementRow
        statement = (
            select(row.number, row.iteration, row.score)
            .where(row.search_id == search_id, row.number.in_(numbers))
            .order_by(row.number, row.iteration)
        )
        found: dict[int, list[tuple[int, float]]] = {number: [] for number in numbers}
        with self._read() as connection:
            for number, iteration, score in connection.execute(statement):
                found[number].append((iteration, score))
        return found

    def measurements(self, search_id: str) -> dict[int, list[Measurement]]:
        """Read every learning curve of a search, by trial number; trials without a measurement are left out."""
        statement = (
            select(MeasurementRow.__table__)
            .where(MeasurementRow.search_id == search_id)
            .order_by(MeasurementRow.number, MeasurementRow.iteration)
        )
        with self._read() as connection:
            rows = connection.execute(statement).mappings().all()
        return {
            number: [read_measurement(row) for row in points]
            for number, points in groupby(rows, key=lambda row: int(row["number"]))
        }

    def _trials(self, statement: Select[Any]) -> list[TrialRecord]:
        with self._read() as connection:
            return [TrialRecord(*row) for row in connection.execute(statement)]


def best_of(statement: Select[Any], trial: type[TrialRow] = TrialRow) -> Select[Any]:
    """Limit a statement to the best of the trials that it selects; of equal ones, to the one with the lower number.

    This is `nas.results.standing` in SQL.

    Args:
        statement: Selects trials.
        trial: The table, or the alias of it, that the statement selects from.
    """
    return (
        statement.where(trial.score.is_not(None), trial.status != TrialStatus.FAILED)
        .order_by(trial.iteration.desc(), trial.score.desc(), trial.number)
        .limit(1)
    )


def _by_number(base: Select[Any], order: str, cursor: str | None) -> Select[Any]:
    if cursor is not None:
        (number,) = decode(order, cursor, int)
        base = base.where(TrialRow.number > number if order == "number" else TrialRow.number < number)
    return base.order_by(TrialRow.number if order == "number" else TrialRow.number.desc())


def _cursor_after(order: str, trial: TrialRecord) -> str:
    return encode(order, trial.number) if order.endswith("number") else encode(order, trial.score, trial.number)


def find_trial(connection: Connection, search_id: str, number: int) -> TrialRecord | None:
    """Read one trial; None where there is no such trial."""
    statement = TRIAL.where(TrialRow.search_id == search_id, TrialRow.number == number)
    row = connection.execute(statement).one_or_none()
    return None if row is None else TrialRecord(*row)


def read_measurement(row: RowMapping) -> Measurement:
    """Make a measurement of a row of `measurements`."""
    return Measurement.model_validate({name: row[name] for name in _MEASURED})
