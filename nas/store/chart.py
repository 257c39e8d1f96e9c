"""What is drawn of a search's scores (of its first objective): the best so far, and a bounded sample of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, and_, case, func, not_, or_, select

from nas.results.status import TrialStatus
from nas.store.engine import Database
from nas.store.figures import BestStep, DrawnScore, RungResult
from nas.store.standing import RANKED, is_held
from nas.store.tables import MeasurementRow, TrialRow
from search_spaces.latency import Latency

_STANDING = ((TrialRow.unjudged_iteration, TrialRow.iteration), (TrialRow.unjudged_score, TrialRow.value))
"""Rung and value at which a trial stands: of a trial that is held the first of each pair, else the second."""


RUNG_RESULT = RungResult._fields
"""The columns of `measurements` that `rung_result` reads."""


class Chart(Database):
    """Reads of the scores at one rung, without architectures."""

    def best_so_far(self, search_id: str, iteration: int) -> list[DrawnScore]:
        """Read the trials that scored higher at a rung than every trial of a lower number, in the order of numbers.

        There are few: of n scores in random order about ln(n).

        Args:
            search_id: The search.
            iteration: The rung; only trials whose deepest rung it is count, and none that failed.
        """
        number, value = TrialRow.number, TrialRow.value
        before = func.max(value).over(order_by=number, rows=(None, -1)).label("before")
        trials = _at(search_id, iteration).add_columns(before).subquery().c
        statement = select(trials.number, trials.value, trials.status).where(
            or_(trials.before.is_(None), trials.value > trials.before)
        )
        with self._read() as connection:
            return [DrawnScore(*row) for row in connection.execute(statement.order_by(trials.number))]

    def sampled_scores(self, search_id: str, iteration: int, every: int = 1) -> list[DrawnScore]:
        """Read the scores at a rung of every so manieth trial, in the order of numbers.

        Args:
            search_id: The search.
            iteration: The rung, as in `best_so_far`.
            every: Read the trials whose number is a multiple of this.
        """
        statement = _at(search_id, iteration).where(TrialRow.number % every == 0).order_by(TrialRow.number)
        with self._read() as connection:
            return [DrawnScore(*row) for row in connection.execute(statement)]

    def deepest_results(self, search_id: str) -> list[RungResult]:
        """Read what the trials measured that stand at the deepest rung of a search, in the order of their numbers.

        No trial that failed is among them, and none that stands at a shallower rung (see `nas.results.standing`).

        Args:
            search_id: The search.
        """
        deepest = select(func.max(TrialRow.iteration)).where(TrialRow.search_id == search_id, RANKED).scalar_subquery()
        row = MeasurementRow
        of_trial = and_(
            row.search_id == TrialRow.search_id, row.number == TrialRow.number, row.iteration == TrialRow.iteration
        )
        statement = (
            select(*(row.__table__.c[name] for name in RUNG_RESULT))
            .join(TrialRow, of_trial)
            .where(TrialRow.search_id == search_id, TrialRow.iteration == deepest, RANKED, not_(is_held()))
            .order_by(row.number)
        )
        with self._read() as connection:
            return [rung_result(found) for found in connection.execute(statement)]

    def best_by_cost(self, places: Mapping[str, tuple[str, int]]) -> dict[str, list[BestStep]]:
        """Read how the best value of some searches rose with their trials and device-seconds, in one statement.

        Trials count in the order of their numbers, as if one had run after the other.

        Args:
            places: For each search the key of a fidelity and a rung: only trials that stand there count (see
                `nas.results.standing`), with their values of the search's first objective; the cost is that of all
                trials.

        Returns:
            The steps by search, as few as those of `best_so_far`; none for a search without a trial there.
        """
        row = TrialRow
        rung, value = (case((is_held(), held), else_=own) for held, own in _STANDING)
        here = [
            and_(row.search_id == search_id, row.fidelity_key == key, rung == iteration)
            for search_id, (key, iteration) in places.items()
        ]
        found: dict[str, list[BestStep]] = {search_id: [] for search_id in places}
        if not here:
            return found
        counted = case((and_(or_(*here), RANKED), value))
        spent = case((row.source.is_(None), func.coalesce(row.device_seconds, 0.0)), else_=0.0)
        order: dict[str, Any] = {"partition_by": row.search_id, "order_by": row.number}
        steps = (
            select(
                row.search_id,
                func.row_number().over(**order).label("trials"),
                counted.label("value"),
                func.sum(spent).over(**order, rows=(None, 0)).label("seconds"),
                func.max(counted).over(**order, rows=(None, -1)).label("before"),
            )
            .where(row.search_id.in_(places))
            .subquery()
            .c
        )
        statement = (
            select(steps.search_id, steps.trials, steps.value, steps.seconds)
            .where(steps.value.is_not(None), or_(steps.before.is_(None), steps.value > steps.before))
            .order_by(steps.search_id, steps.trials)
        )
        with self._read() as connection:
            for search_id, *step in connection.execute(statement):
                found[search_id].append(BestStep(*step))
        return found


def rung_result(row: Row[Any]) -> RungResult:
    """Make the result at a rung of a row of `measurements` that begins with the columns `RUNG_RESULT`."""
    found = RungResult._make(row[: len(RUNG_RESULT)])
    latency = None if row.latency is None else Latency.model_validate(row.latency)
    return found._replace(class_iou=tuple(row.class_iou), latency=latency)


def _at(search_id: str, iteration: int) -> Any:
    ranked = and_(TrialRow.status != TrialStatus.FAILED, TrialRow.value.is_not(None))
    return select(TrialRow.number, TrialRow.value, TrialRow.status).where(
        TrialRow.search_id == search_id, TrialRow.iteration == iteration, ranked
    )
