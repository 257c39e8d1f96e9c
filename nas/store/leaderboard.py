"""Reading trials: one, all, the best, a page, and their learning curves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, Select, and_, not_, or_, select

from nas.results.measurement import Measurement
from nas.results.standing import Standing
from nas.results.status import TrialStatus
from nas.store.cursors import check_limit, decode, encode
from nas.store.engine import Database
from nas.store.errors import NotFoundError
from nas.store.records import Page, TrialRecord
from nas.store.standing import RANKED, TRIAL, UNJUDGED, best, candidates_for_best, is_judged
from nas.store.tables import EnvironmentRow, MeasurementRow, TrialRow
from search_spaces.environment import Environment

TrialOrder = Literal["number", "-number", "score", "-score"]

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
        """Find the best trial of a search by `nas.results.standing`: a deeper rung first, then a higher score.

        Failed trials are left out; trials that were stopped with the search count. Of equal trials the one with the
        lower number is the best.

        Returns:
            The trial; None while no trial has a score.
        """
        with self._read() as connection:
            rows = connection.execute(candidates_for_best([search_id]))
            return best([TrialRecord(*row[:-1]) for row in rows])

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
            order_by: "-" means descending. "-score" is from better to worse by `nas.results.standing`, as `best_trial`
                is; trials without a standing (failed, or without a score) come last in either direction, and equal ones
                are in the order of their numbers.
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
        """Read trials by their standing, then those without one.

        The judged trials are a range of an index; the few unjudged ones are merged into it.
        """
        unranked = base.where(not_(RANKED)).order_by(TrialRow.number)
        after: tuple[Standing, int] | None = None
        if cursor is not None:
            rung, score, number = decode(order, cursor, (int, type(None)), (int, float, type(None)), int)
            if rung is None or score is None:
                return self._trials(unranked.where(TrialRow.number > number).limit(rows))
            after = ((rung, score), number)
        ranked, place = base.where(RANKED), _place(order)
        with self._read() as connection:
            trials = _records(connection, _in_order(ranked.where(is_judged()), order, after).limit(rows))
            trials += _records(connection, ranked.where(UNJUDGED))
            trials = [trial for trial in trials if after is None or place(trial) > _place_of(order, *after)]
            trials.sort(key=place)
            if len(trials) < rows:
                trials += _records(connection, unranked.limit(rows - len(trials)))
        return trials[:rows]

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
            points = _measurements(connection, rows)
        of_trial = groupby(zip(rows, points, strict=True), key=lambda pair: int(pair[0]["number"]))
        return {number: [point for _, point in pairs] for number, pairs in of_trial}

    def _trials(self, statement: Select[Any]) -> list[TrialRecord]:
        with self._read() as connection:
            return _records(connection, statement)


def _records(connection: Connection, statement: Select[Any]) -> list[TrialRecord]:
    return [TrialRecord(*row) for row in connection.execute(statement)]


def _in_order(trials: Select[Any], order: str, after: tuple[Standing, int] | None) -> Select[Any]:
    """Order judged trials by their deepest rung and score; those after a place, which is a standing and a number."""
    rung, score = TrialRow.iteration, TrialRow.score
    if after is not None:
        (at_rung, at_score), number = after
        later = (rung < at_rung, score < at_score) if order == "-score" else (rung > at_rung, score > at_score)
        within = rung <= at_rung if order == "-score" else rung >= at_rung  # the range of the index
        tie = and_(score == at_score, TrialRow.number > number)
        trials = trials.where(within, or_(later[0], and_(rung == at_rung, or_(later[1], tie))))
    if order == "-score":
        return trials.order_by(rung.desc(), score.desc(), TrialRow.number)
    return trials.order_by(rung, score, TrialRow.number)


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
