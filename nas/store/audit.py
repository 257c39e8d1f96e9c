"""The invariants of the record, checked on a database as it is: nothing is written, nothing is migrated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, Select, String, Text, and_, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from nas.results.snapshot import Snapshot
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import Fidelity
from nas.store.engine import Database
from nas.store.spec_documents import spec_adapter
from nas.store.tables import (
    ArchitectureRow,
    EnvironmentRow,
    FidelityRow,
    MeasurementRow,
    PredictionsRow,
    RunRow,
    SearchRow,
    SnapshotRow,
    TrainingFreeRow,
    TrialRow,
)
from nas.store.transitions import ENDS
from search_spaces.document import architecture_from_dict
from search_spaces.environment import Environment

EXAMPLES = 5
"""How many of the rows that break one rule are named."""

_PART = 1000


@dataclass(frozen=True)
class Broken:
    """A rule that the record breaks.

    Attributes:
        rule: What is wrong with the rows, as a sentence without an end.
        rows: How many rows break the rule.
        examples: The first of them: a search as its id, a trial as SEARCH/NUMBER, a content as its key.
    """

    rule: str
    rows: int
    examples: tuple[str, ...]


class Audit(Database):
    """Checks the record of a database."""

    def broken(self) -> Iterator[Broken]:
        """Check every rule.

        Yields:
            The rules that are broken.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._read() as connection:
            yield from _damage(connection)
            for rule, rows in _rules():
                yield from _breaks(connection, rule, rows)
            yield from _beyond_the_rungs(connection)
            yield from _more_trials_than_planned(connection)
            for what, read in _CONTENTS.items():
                yield from _unreadable(connection, what, read)

    def counts(self) -> dict[str, int]:
        """Count the rows of the main tables: searches, trials, measurements."""
        tables = {"searches": SearchRow, "trials": TrialRow, "measurements": MeasurementRow}
        with self._read() as connection:
            return {name: connection.scalar(select(func.count()).select_from(row)) or 0 for name, row in tables.items()}

    def unfinished(self) -> int:
        """Count the searches that are not over."""
        with self._read() as connection:
            return connection.scalar(select(func.count()).where(SearchRow.status.not_in(ENDS))) or 0


def _damage(connection: Connection) -> Iterator[Broken]:
    """What SQLite says of its file; PostgreSQL checks its pages itself, and its foreign keys always."""
    if connection.dialect.name != "sqlite":
        return
    problems = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(20)") if row[0] != "ok"]
    if problems:
        yield Broken("the file is damaged", len(problems), tuple(problems[:EXAMPLES]))


def _rules() -> Iterator[tuple[str, Select[*tuple[Any, ...]]]]:
    """Rules, and for each a query of the rows that break it; its columns together name a row."""
    search, over = SearchRow.id, SearchRow.status.in_(ENDS)
    trial = (TrialRow.search_id, TrialRow.number)
    yield (
        "searches that are over have no time of their end",
        select(search).where(over, SearchRow.finished_at.is_(None)),
    )
    yield (
        "searches that are not over have a time of their end",
        select(search).where(~over, SearchRow.finished_at.is_not(None)),
    )
    yield "searches that are over are leased", select(search).where(over, SearchRow.lease_owner.is_not(None))
    yield (
        "searches run that never had a driver",
        select(search).where(SearchRow.status == SearchStatus.RUNNING, SearchRow.attempt < 1),
    )
    parent = aliased(SearchRow)
    yield (
        "searches have a parent that is not there",
        select(search).where(SearchRow.parent_id.is_not(None), _none(parent, parent.id == SearchRow.parent_id)),
    )
    running = TrialRow.status == TrialStatus.RUNNING
    yield "trials that run have a time of their end", select(*trial).where(running, TrialRow.finished_at.is_not(None))
    yield "trials that ended have no time of their end", select(*trial).where(~running, TrialRow.finished_at.is_(None))
    yield (
        "trials run in searches that are over",
        select(*trial).join(SearchRow, SearchRow.id == TrialRow.search_id).where(running, over),
    )
    yield (
        "trials have a number that another trial of the search has",
        select(*trial).group_by(*trial).having(func.count() > 1),
    )
    yield "trials belong to no search", select(*trial).where(_none(SearchRow, SearchRow.id == TrialRow.search_id))
    yield from _contents_of_trials(trial)
    yield from _curves(trial)


def _contents_of_trials(trial: tuple[Any, ...]) -> Iterator[tuple[str, Select[*tuple[Any, ...]]]]:
    for row, key in ((ArchitectureRow, TrialRow.architecture_key), (FidelityRow, TrialRow.fidelity_key)):
        yield (
            f"trials name one of the {row.__tablename__} that is not there",
            select(*trial).where(_none(row, row.key == key)),
        )
    yield (
        "measurements name an environment that is not there",
        select(*_MEASUREMENT).where(
            MeasurementRow.environment_key.is_not(None),
            _none(EnvironmentRow, EnvironmentRow.key == MeasurementRow.environment_key),
        ),
    )
    yield (
        "snapshots belong to no search",
        select(SnapshotRow.search_id, SnapshotRow.run, SnapshotRow.epoch).where(
            _none(SearchRow, SearchRow.id == SnapshotRow.search_id)
        ),
    )
    yield (
        "runs belong to no search",
        select(RunRow.search_id, RunRow.run).where(_none(SearchRow, SearchRow.id == RunRow.search_id)),
    )
    yield (
        "training-free scores are of an architecture that is not there",
        select(TrainingFreeRow.architecture_key, TrainingFreeRow.name).where(
            _none(ArchitectureRow, ArchitectureRow.key == TrainingFreeRow.architecture_key)
        ),
    )


def _curves(trial: tuple[Any, ...]) -> Iterator[tuple[str, Select[*tuple[Any, ...]]]]:
    of_trial = and_(MeasurementRow.search_id == TrialRow.search_id, MeasurementRow.number == TrialRow.number)
    yield "measurements belong to no trial", select(*_MEASUREMENT).where(_none(TrialRow, of_trial))
    of_predictions = and_(TrialRow.search_id == PredictionsRow.search_id, TrialRow.number == PredictionsRow.number)
    yield (
        "predictions belong to no trial",
        select(PredictionsRow.search_id, PredictionsRow.number).where(_none(TrialRow, of_predictions)),
    )
    yield (
        "measurements are of an attempt that the trial never had",
        select(*_MEASUREMENT).join(TrialRow, of_trial).where(MeasurementRow.attempt > TrialRow.attempt),
    )
    yield (
        "trials have more processes that died than attempts that were replaced",
        select(*trial).where(TrialRow.deaths >= TrialRow.attempt),
    )
    yield (
        "measurements are deeper than the rung that the trial stands for",
        select(*_MEASUREMENT)
        .join(TrialRow, of_trial)
        .where(or_(TrialRow.iteration.is_(None), MeasurementRow.iteration > TrialRow.iteration)),
    )
    yield (
        "trials have a score and no value by which they are ordered, or the other way round",
        select(*trial).where(TrialRow.value.is_(None) != TrialRow.score.is_(None)),
    )
    same = and_(of_trial, MeasurementRow.iteration == TrialRow.iteration, MeasurementRow.score == TrialRow.score)
    yield (
        "trials have a score that was not measured at their rung",
        select(*trial).where(TrialRow.iteration.is_not(None), _none(MeasurementRow, same)),
    )


_MEASUREMENT = (MeasurementRow.search_id, MeasurementRow.number, MeasurementRow.iteration)


def _none(row: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return ~select(literal(1)).select_from(row).where(condition).exists()


def _breaks(connection: Connection, rule: str, rows: Select[*tuple[Any, ...]]) -> Iterator[Broken]:
    count = connection.scalar(select(func.count()).select_from(rows.subquery())) or 0
    if count:
        found = connection.execute(rows.limit(EXAMPLES)).all()
        yield Broken(rule, count, tuple("/".join(map(str, row)) for row in found))


def _beyond_the_rungs(connection: Connection) -> Iterator[Broken]:
    of_trial = and_(MeasurementRow.search_id == TrialRow.search_id, MeasurementRow.number == TrialRow.number)
    statement = (
        select(
            cast(FidelityRow.document, Text),
            MeasurementRow.iteration,
            func.count(),
            func.min(TrialRow.search_id),
        )
        .join(TrialRow, of_trial)
        .join(FidelityRow, FidelityRow.key == TrialRow.fidelity_key)
        .group_by(FidelityRow.key, cast(FidelityRow.document, Text), MeasurementRow.iteration)
    )
    rows, examples = 0, []
    for document, iteration, count, search in connection.execute(statement):
        try:
            rungs = Fidelity.model_validate_json(document).rungs
        except ValidationError:
            continue  # told as a document that cannot be read
        if iteration not in rungs:
            rows += count
            examples.append(f"{search} at {iteration}")
    if rows:
        yield Broken(
            "measurements are at an iteration that is no rung of the fidelity", rows, tuple(examples[:EXAMPLES])
        )


def _more_trials_than_planned(connection: Connection) -> Iterator[Broken]:
    statement = (
        select(SearchRow.id, cast(SearchRow.spec, Text), func.count())
        .join(TrialRow, TrialRow.search_id == SearchRow.id)
        .group_by(SearchRow.id, cast(SearchRow.spec, Text))
    )
    found = [search for search, spec, count in connection.execute(statement) if count > _planned(spec, count)]
    if found:
        yield Broken("searches have more trials than their spec allows", len(found), tuple(found[:EXAMPLES]))


def _planned(spec: str, otherwise: int) -> int:
    try:
        return spec_adapter().validate_json(spec).planned
    except ValidationError:
        return otherwise  # told as a document that cannot be read


def _read_spec(document: str) -> None:
    spec_adapter().validate_json(document)


def _read_snapshot(document: str) -> None:
    Snapshot.model_validate_json(document)


_CONTENTS: Mapping[str, tuple[Select[*tuple[Any, ...]], Callable[[str], str | None]]] = {
    "searches": (select(SearchRow.id, cast(SearchRow.spec, Text)), _read_spec),
    "fidelities": (
        select(FidelityRow.key, cast(FidelityRow.document, Text)),
        lambda document: Fidelity.model_validate_json(document).key,
    ),
    "environments": (
        select(EnvironmentRow.key, cast(EnvironmentRow.document, Text)),
        lambda document: Environment.model_validate_json(document).key,
    ),
    "architectures": (
        select(ArchitectureRow.key, cast(ArchitectureRow.document, Text)),
        lambda document: architecture_from_dict(json.loads(document)).key,
    ),
    "snapshots": (
        select(
            SnapshotRow.search_id + "/" + cast(SnapshotRow.run, String) + "/" + cast(SnapshotRow.epoch, String),
            cast(SnapshotRow.payload, Text),
        ),
        _read_snapshot,
    ),
}
"""How each table's documents are read, and the key of a content by which it must be stored."""


def _unreadable(
    connection: Connection, table: str, how: tuple[Select[*tuple[Any, ...]], Callable[[str], str | None]]
) -> Iterator[Broken]:
    statement, read = how
    broken, misplaced = [], []
    for name, document in connection.execute(statement, execution_options={"yield_per": _PART}):
        try:
            key = read(document)
        except (ValueError, KeyError, TypeError):
            broken.append(str(name))
        else:
            if key is not None and key != name:
                misplaced.append(str(name))
    for rule, found in (("cannot be read by this version", broken), ("are stored under the key of others", misplaced)):
        if found:
            yield Broken(f"documents of {table} {rule}", len(found), tuple(found[:EXAMPLES]))
