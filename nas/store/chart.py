"""What is drawn of a search's scores (of its first objective): the best so far, and a bounded sample of the others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, func, or_, select

from nas.results.status import TrialStatus
from nas.store.engine import Database
from nas.store.records import DrawnScore
from nas.store.tables import TrialRow


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


def _at(search_id: str, iteration: int) -> Any:
    ranked = and_(TrialRow.status != TrialStatus.FAILED, TrialRow.value.is_not(None))
    return select(TrialRow.number, TrialRow.value, TrialRow.status).where(
        TrialRow.search_id == search_id, TrialRow.iteration == iteration, ranked
    )
