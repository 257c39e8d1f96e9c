"""What searches measured again of their parents' trials, and some trials of many searches at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from nas.results.status import TrialStatus
from nas.store.engine import Database, in_parts
from nas.store.figures import MeasuredAgain
from nas.store.records import TrialRecord
from nas.store.standing import TRIAL
from nas.store.tables import EnvironmentRow, MeasurementRow, SearchRow, TrialRow
from search_spaces.environment import Environment

PLACES = 100
"""Most places in one statement; SQLite limits how deep a condition is."""


class Again(Database):
    """Reads of `trials` and `measurements` in one statement for any number of searches."""

    def measured_again(self, search_ids: Collection[str]) -> dict[str, list[MeasuredAgain]]:
        """Read the values of completed trials whose architecture the parent search has measured, too.

        Args:
            search_ids: The searches; the list of one without a parent is empty.

        Returns:
            By search, in the order of numbers. Where the parent has several trials of the architecture, each is named.
        """
        again, found = aliased(TrialRow), aliased(TrialRow)
        # Written such that no index of the parent seems to serve: an architecture has few trials, a search many.
        of_parent = func.coalesce(found.search_id, "") == SearchRow.parent_id
        statement: Any = (
            select(again.search_id, found.number, again.number, again.architecture_key, again.seed, again.value)
            .select_from(again)
            .join(SearchRow, SearchRow.id == again.search_id)
            .join(found, and_(found.architecture_key == again.architecture_key, of_parent))
            .where(again.status == TrialStatus.COMPLETED, again.value.is_not(None))
            .order_by(again.search_id, again.number, found.number)
        )
        rows: dict[str, list[MeasuredAgain]] = {search_id: [] for search_id in search_ids}
        with self._read() as connection:
            for ids in in_parts(search_ids):
                for search_id, *row in connection.execute(statement.where(again.search_id.in_(ids))):
                    rows[search_id].append(MeasuredAgain(*row))
        return rows

    def trials_at(self, places: Collection[tuple[str, int]]) -> dict[str, TrialRecord]:
        """Read one trial of each of some searches, by search; a trial that does not exist is left out.

        Args:
            places: The searches, each with the number of a trial.
        """
        statement = TRIAL.add_columns(TrialRow.search_id)
        trials: dict[str, TrialRecord] = {}
        with self._read() as connection:
            for part in in_parts(places, PLACES):
                here = _any_of((TrialRow.search_id, TrialRow.number), part)
                trials |= {row[-1]: TrialRecord(*row[:-1]) for row in connection.execute(statement.where(here))}
        return trials

    def environments_at(self, places: Collection[tuple[str, int, int]]) -> dict[str, Environment]:
        """Read the environment of one measurement of each of some searches, by search; one not known is left out.

        Args:
            places: The searches, each with the number of a trial and a rung.
        """
        row = MeasurementRow
        statement = select(row.search_id, EnvironmentRow.document).join(
            EnvironmentRow, EnvironmentRow.key == row.environment_key
        )
        environments: dict[str, Environment] = {}
        with self._read() as connection:
            for part in in_parts(places, PLACES):
                here = _any_of((row.search_id, row.number, row.iteration), part)
                found = connection.execute(statement.where(here))
                environments |= {search_id: Environment.model_validate(document) for search_id, document in found}
        return environments


def _any_of(columns: Iterable[InstrumentedAttribute[Any]], places: Iterable[tuple[Any, ...]]) -> ColumnElement[bool]:
    """Whether the columns are one of the places: SQLite looks for tuples in a list by reading the whole table."""
    names = tuple(columns)
    return or_(*(and_(*(name == value for name, value in zip(names, place, strict=True))) for place in places))
