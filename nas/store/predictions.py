"""Predictions of trials, to look at: an aid, kept for the deepest rung of the best trials of each search.

They stand in the database, and not in files, because the service and the processes that train need not share a folder.
What they take is bounded: one trial's maps are small, and a driver keeps those of its best trials only.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, and_, delete, exists, literal, select

from nas.results.predictions import Examples, Predictions
from nas.results.status import TrialStatus
from nas.store.engine import Clock, Database
from nas.store.errors import StoreError
from nas.store.tables import ExamplesRow, PredictionsRow, TrialRow

_OWN = {"examples"}
"""The field of `Predictions` that is stored apart, once for all trials."""


class PredictionsOfTrials(Database):
    """Rows of `examples` and `predictions`, written by a search's driver."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        super().__init__(engine, clock)
        self._known_examples: set[tuple[str, str]] = set()

    def record_predictions(self, search_id: str, number: int, attempt: int, predictions: Predictions) -> bool:
        """Record what a trial predicts, in place of what it predicted at an earlier rung.

        Args:
            search_id: The search.
            number: The trial's number within the search.
            attempt: The trial's attempt that has predicted.
            predictions: The predictions; the search's examples are stored once.

        Returns:
            Whether they were recorded: not of a stale attempt, a trial that does not exist, or an earlier rung.
        """
        now, examples = self._clock(), predictions.examples
        values = {
            "number": number,
            "iteration": predictions.iteration,
            "examples_key": examples.key,
            "payload": predictions.model_dump(mode="json", exclude=_OWN),
            "created_at": now,
        }
        columns = [literal(value, PredictionsRow.__table__.c[name].type) for name, value in values.items()]
        # Selected from the trial's row, so that nothing is written for a trial that another attempt has taken over.
        of_attempt = select(TrialRow.search_id, *columns).where(
            TrialRow.search_id == search_id, TrialRow.number == number, TrialRow.attempt == attempt
        )
        insert = self._insert(PredictionsRow).from_select(["search_id", *values], of_attempt)
        keys = [PredictionsRow.search_id, PredictionsRow.number]
        statement = insert.on_conflict_do_update(
            index_elements=keys,
            set_={name: insert.excluded[name] for name in values if name != "number"},
            where=PredictionsRow.iteration <= insert.excluded.iteration,
        ).returning(PredictionsRow.number)
        with self._write() as connection:
            recorded = connection.execute(statement).one_or_none() is not None
            if recorded and (search_id, examples.key) not in self._known_examples:
                content = {
                    "search_id": search_id,
                    "key": examples.key,
                    "payload": examples.model_dump(mode="json"),
                    "created_at": now,
                }
                connection.execute(self._insert(ExamplesRow).on_conflict_do_nothing(), content)
        if recorded:
            self._known_examples.add((search_id, examples.key))
        return recorded

    def predictions(self, search_id: str, number: int) -> Predictions | None:
        """Read what a trial predicts; of an adopted trial, what its source predicts, unless that reached deeper rungs.

        Returns:
            The predictions of the deepest rung for which there are some; None where there are none.

        Raises:
            StoreError: What is stored does not validate; the message names the trial.
        """
        with self._read() as connection:
            return _read(connection, search_id, number) or _read_of_source(connection, search_id, number)

    def predicted_trials(self, search_id: str) -> set[int]:
        """Read the numbers of the trials of a search that have predictions."""
        statement = select(PredictionsRow.number).where(PredictionsRow.search_id == search_id)
        with self._read() as connection:
            return set(connection.execute(statement).scalars())

    def keep_predictions(self, search_id: str, numbers: Collection[int]) -> set[int]:
        """Delete the predictions of a search's trials but for those of some trials, and of those that run.

        Returns:
            The numbers of the trials that have predictions now.
        """
        running = exists().where(
            TrialRow.search_id == search_id,
            TrialRow.number == PredictionsRow.number,
            TrialRow.status == TrialStatus.RUNNING,
        )
        statement = delete(PredictionsRow).where(
            PredictionsRow.search_id == search_id, PredictionsRow.number.not_in(numbers), ~running
        )
        with self._write() as connection:
            connection.execute(statement)
        return self.predicted_trials(search_id)


def _read_of_source(connection: Connection, search_id: str, number: int) -> Predictions | None:
    """Read what the source of an adopted trial predicts, unless it reached deeper rungs than the trial has."""
    trial = select(TrialRow.source, TrialRow.iteration).where(
        TrialRow.search_id == search_id, TrialRow.number == number
    )
    row = connection.execute(trial).one_or_none()
    if row is None or row.source is None:
        return None
    source, _, of_source = row.source.rpartition("/")
    found = _read(connection, source, int(of_source))
    return None if found is None or found.iteration > row.iteration else found


def _read(connection: Connection, search_id: str, number: int) -> Predictions | None:
    statement = (
        select(PredictionsRow.payload, ExamplesRow.payload.label("examples"))
        .join(
            ExamplesRow,
            and_(ExamplesRow.search_id == PredictionsRow.search_id, ExamplesRow.key == PredictionsRow.examples_key),
        )
        .where(PredictionsRow.search_id == search_id, PredictionsRow.number == number)
    )
    row: Any = connection.execute(statement).one_or_none()
    if row is None:
        return None
    try:
        examples = Examples.model_validate(row.examples)
        return Predictions.model_validate({**row.payload, "examples": examples})
    except ValidationError as error:
        raise StoreError(
            f"the stored predictions of trial {number} of search {search_id} are not ones that this version reads: "
            f"{error.error_count()} fields differ"
        ) from None
