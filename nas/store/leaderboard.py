"""Reading trials: one, all, the best, a page, and their learning curves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import Any, get_args

from sqlalchemy import CompoundSelect, Connection, RowMapping, Select, func, literal, select, tuple_, union_all

from nas.results.measurement import Measurement
from nas.results.orders import TrialOrder
from nas.results.standing import Standing
from nas.results.status import TrialStatus
from nas.specs import MIOU, Goals
from nas.store.chart import RUNG_RESULT, rung_result
from nas.store.cursors import check_limit, decode, encode
from nas.store.engine import Database, in_parts
from nas.store.errors import NotFoundError
from nas.store.figures import RungPoint
from nas.store.records import Page, TrialRecord
from nas.store.sorting import SORTABLE, sorted_page
from nas.store.standing import RANKED, TRIAL, UNJUDGED, best, candidates_for_best, is_judged
from nas.store.tables import EnvironmentRow, MeasurementRow, TrialRow
from search_spaces.environment import Environment

_MEASURED = tuple(name for name in Measurement.model_fields if name in MeasurementRow.__table__.c)


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

    def trials_of(self, search_id: str, architecture_keys: Collection[str]) -> list[TrialRecord]:
        """Read the trials of a search that have one of the architectures, in the order of their numbers."""
        found: list[TrialRecord] = []
        # Written such that no index of the search seems to serve: an architecture has few trials, a search many.
        of_search = TRIAL.where(func.coalesce(TrialRow.search_id, "") == search_id)
        with self._read() as connection:
            for keys in in_parts(architecture_keys):
                found += _records(connection, of_search.where(TrialRow.architecture_key.in_(keys)))
        return _by_numbers(found)

    def numbered_trials(self, search_id: str, numbers: Collection[int]) -> list[TrialRecord]:
        """Read some trials in the order of their numbers; a trial that does not exist is left out."""
        found: list[TrialRecord] = []
        with self._read() as connection:
            for part in in_parts(numbers):
                statement = TRIAL.where(TrialRow.search_id == search_id, TrialRow.number.in_(part))
                found += _records(connection, statement)
        return _by_numbers(found)

    def architecture_keys(self, search_id: str, numbers: Collection[int]) -> dict[int, str]:
        """Read the architecture key of some trials, by number; a trial that does not exist is left out."""
        found: dict[int, str] = {}
        statement = select(TrialRow.number, TrialRow.architecture_key).where(TrialRow.search_id == search_id)
        with self._read() as connection:
            for part in in_parts(numbers):
                rows = connection.execute(statement.where(TrialRow.number.in_(part)))
                found.update((number, key) for number, key in rows)
        return found

    def best_trial(self, search_id: str) -> TrialRecord | None:
        """Find the best trial of a search by `nas.results.standing`: a deeper rung first, then a higher value.

        Failed trials are left out; trials that were stopped with the search count. Of equal trials the one with the
        lower number is the best.

        Returns:
            The trial; None while no trial has a score.
        """
        with self._read() as connection:
            return best([trial for _, trial in candidates_for_best(connection, [search_id])])

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
            order_by: See `nas.results.orders`. "-score" is from better to worse, as `best_trial` is; trials that failed
                or have no score come last in either direction.
            status: Read only trials of this status.
            limit: The number of trials on the page, 1 to 1000.
            cursor: The cursor of the page before; None reads the first page.

        Raises:
            ValueError: The order is unknown, the limit is not between 1 and 1000, or the cursor is not one of this
                listing.
        """
        if order_by not in get_args(TrialOrder):
            names = ", ".join(name for name in get_args(TrialOrder) if not name.startswith("-"))
            raise ValueError(f"order_by must be one of {names}, or that with a leading -, not {order_by!r}")
        if order_by.removeprefix("-") in SORTABLE:
            with self._read() as connection:
                return sorted_page(connection, search_id, order_by, status, check_limit(limit), cursor)
        rows = check_limit(limit) + 1  # one more row shows whether there is a next page
        if order_by.endswith("number"):
            base = TRIAL.where(TrialRow.search_id == search_id)
            if status is not None:
                base = base.where(TrialRow.status == status)
            trials = self._trials(_by_number(base, order_by, cursor).limit(rows))
        else:
            trials = self._by_score(search_id, order_by, status, cursor, rows)
        page = trials[:limit]
        more = len(trials) > limit
        return Page(tuple(page), _cursor_after(order_by, page[-1]) if more else None)

    def _by_score(
        self, search_id: str, order: str, status: TrialStatus | None, cursor: str | None, rows: int
    ) -> list[TrialRecord]:
        """Read trials by their standing, then those without one.

        The judged trials are a range of an index; the few unjudged ones are merged into it.
        """
        after: tuple[Standing, int] | None = None
        ranked: list[TrialRecord] = []
        with self._read() as connection:
            if cursor is not None:
                rung, score, number = decode(order, cursor, (int, type(None)), (int, float, type(None)), int)
                if rung is None or score is None:
                    return _by_numbers(_records(connection, _unranked(search_id, status, number, rows)))[:rows]
                after = ((rung, score), number)
            if status is not TrialStatus.FAILED:
                of_status = () if status is None else (TrialRow.status == status,)
                base, place = TRIAL.where(TrialRow.search_id == search_id, RANKED, *of_status), _place(order)
                ranked += _records(connection, _in_order(base.where(is_judged()), order, after, rows))
                ranked += _records(connection, base.where(UNJUDGED))
                ranked = [trial for trial in ranked if after is None or place(trial) > _place_of(order, *after)]
                ranked.sort(key=place)
            if len(ranked) < rows:
                ranked += _by_numbers(_records(connection, _unranked(search_id, status, -1, rows)))
        return ranked[:rows]

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
            points = _measurements(connection, connection.execute(statement).mappings().all())
            if not points and find_trial(connection, search_id, number) is None:
                raise NotFoundError(f"there is no trial {number} of search {search_id!r}")
        return points

    def rung_points(self, search_id: str, numbers: Collection[int], goals: Goals = MIOU) -> dict[int, list[RungPoint]]:
        """Read the scores and costs at each rung of some trials, by trial number; without any, the list is empty.

        Args:
            search_id: The search.
            numbers: Of the trials.
            goals: Scores are values of their first objective; rungs that lack it are left out.
        """
        row = MeasurementRow
        columns = (
            ("number", "iteration", "score", "device_seconds") if goals.by_miou else (*RUNG_RESULT, "device_seconds")
        )
        statement = (
            select(*(row.__table__.c[name] for name in columns))
            .where(row.search_id == search_id)
            .order_by(row.number, row.iteration)
        )
        found: dict[int, list[RungPoint]] = {number: [] for number in numbers}
        with self._read() as connection:
            for part in in_parts(found):
                for measured in connection.execute(statement.where(row.number.in_(part))):
                    score = measured.score if goals.by_miou else goals.value(rung_result(measured))
                    if score is not None:
                        found[measured.number].append(RungPoint(measured.iteration, score, measured.device_seconds))
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
            points = _measurements(connection, rows)
        of_trial = groupby(zip(rows, points, strict=True), key=lambda pair: int(pair[0]["number"]))
        return {number: [point for _, point in pairs] for number, pairs in of_trial}

    def _trials(self, statement: Select[Any]) -> list[TrialRecord]:
        with self._read() as connection:
            return _records(connection, statement)


def _records(connection: Connection, statement: Select[Any]) -> list[TrialRecord]:
    return [TrialRecord(*row) for row in connection.execute(statement)]


def _by_numbers(trials: list[TrialRecord]) -> list[TrialRecord]:
    return sorted(trials, key=lambda trial: trial.number)


def _in_order(trials: Select[Any], order: str, after: tuple[Standing, int] | None, rows: int) -> Any:
    """Select the first judged trials by their deepest rung and value; those after a place, a standing and a number.

    What is after a place are two ranges of the index: the same standing with a later number, and all beyond it.
    """
    rung, value = TrialRow.iteration, TrialRow.value
    best_first = order == "-score"
    by = (rung.desc(), value.desc()) if best_first else (rung.asc(), value.asc())
    if after is None:
        return trials.order_by(*by, TrialRow.number).limit(rows)
    (at_rung, at_value), number = after
    standing, place = tuple_(rung, value), tuple_(literal(at_rung), literal(at_value))
    equal = trials.where(rung == at_rung, value == at_value, TrialRow.number > number)
    beyond = trials.where(standing < place if best_first else standing > place)
    return _both(equal.order_by(TrialRow.number).limit(rows), beyond.order_by(*by, TrialRow.number).limit(rows))


def _unranked(search_id: str, status: TrialStatus | None, after: int, rows: int) -> Any:
    """Select the first trials without a standing: those that failed, then the others without a score."""
    trials = TRIAL.where(TrialRow.search_id == search_id, TrialRow.number > after)
    trials = trials.order_by(TrialRow.number).limit(rows)
    failed = trials.where(TrialRow.status == TrialStatus.FAILED)
    unscored = trials.where(TrialRow.iteration.is_(None), TrialRow.value.is_(None))
    if status is TrialStatus.FAILED:
        return failed
    if status is not None:
        return unscored.where(TrialRow.status == status)
    return _both(failed, unscored.where(TrialRow.status != TrialStatus.FAILED))


def _both(first: Select[Any], second: Select[Any]) -> CompoundSelect[Any]:
    return union_all(first.subquery().select(), second.subquery().select())


def _place_of(order: str, standing: Standing, number: int) -> tuple[float, float, int]:
    sign = -1 if order == "-score" else 1
    return sign * standing[0], sign * standing[1], number


def _place(order: str) -> Callable[[TrialRecord], tuple[float, float, int]]:
    """Make the sort key of ranked trials in an order by score."""

    def place(trial: TrialRecord) -> tuple[float, float, int]:
        assert trial.standing is not None, "a ranked trial has a standing"
        return _place_of(order, trial.standing, trial.number)

    return place


def _by_number(base: Select[Any], order: str, cursor: str | None) -> Select[Any]:
    if cursor is not None:
        (number,) = decode(order, cursor, int)
        base = base.where(TrialRow.number > number if order == "number" else TrialRow.number < number)
    return base.order_by(TrialRow.number if order == "number" else TrialRow.number.desc())


def _cursor_after(order: str, trial: TrialRecord) -> str:
    if order.endswith("number"):
        return encode(order, trial.number)
    return encode(order, *(trial.standing or (None, None)), trial.number)


def find_trial(connection: Connection, search_id: str, number: int) -> TrialRecord | None:
    """Read one trial; None where there is no such trial."""
    statement = TRIAL.where(TrialRow.search_id == search_id, TrialRow.number == number)
    row = connection.execute(statement).one_or_none()
    return None if row is None else TrialRecord(*row)


def _measurements(connection: Connection, rows: Sequence[RowMapping]) -> list[Measurement]:
    """Make the measurements of rows of `measurements`; the few environments that they share are read once."""
    keys = {row["environment_key"] for row in rows} - {None}
    statement = select(EnvironmentRow.key, EnvironmentRow.document).where(EnvironmentRow.key.in_(keys))
    found = connection.execute(statement) if keys else ()
    environments = {key: Environment.model_validate(document) for key, document in found}
    return [
        Measurement.model_validate(
            {**{name: row[name] for name in _MEASURED}, "environment": environments.get(row["environment_key"])}
        )
        for row in rows
    ]
