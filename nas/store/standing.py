"""The order of a search's trials in SQL: `nas.results.standing`, which states the rule.

Nearly all trials stand at their deepest rung, in the order of an index. Those with an unjudged rung, a few for each
rung, are read apart: where they stand depends on the other trials.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    not_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from nas.results.status import TrialStatus
from nas.store.records import TrialRecord
from nas.store.tables import ArchitectureRow, SearchRow, TrialRow

TRIAL_COLUMNS = tuple(field.name for field in fields(TrialRecord) if field.name in TrialRow.__table__.c)
"""The columns of `trials` that are fields of a record too."""

RANKED = and_(TrialRow.value.is_not(None), TrialRow.status != TrialStatus.FAILED)
"""Selects the trials that have a standing."""


class _IsNull(FunctionElement[bool]):
    """Whether a column is null, asked such that a database does not take an index of this column for it.

    Nearly all rows are null. PostgreSQL knows that from its statistics, which it has of the plain question alone;
    SQLite would take the index nevertheless.
    """

    type = Boolean()
    inherit_cache = True


@compiles(_IsNull)
def _plain(element: _IsNull, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} IS NULL)"


@compiles(_IsNull, "sqlite")
def _of_no_index(element: _IsNull, compiler: SQLCompiler, **options: Any) -> str:
    return f"(coalesce({compiler.process(element.clauses, **options)}, 0) = 0)"


def is_judged(trial: type[TrialRow] = TrialRow) -> ColumnElement[bool]:
    """Select the trials that stand at their deepest rung."""
    return _IsNull(trial.unjudged_iteration)


UNJUDGED = TrialRow.unjudged_iteration >= 1
"""Selects the other trials, as a range of an index."""


def is_held() -> ColumnElement[bool]:
    """Whether a trial stands at its unjudged rung: it scored below all judged ones at its deepest."""
    other = aliased(TrialRow)
    holds_its_own = exists().where(
        other.search_id == TrialRow.search_id,
        other.iteration == TrialRow.iteration,
        other.value <= TrialRow.value,
        is_judged(other),
        other.status != TrialStatus.FAILED,
    )
    # Not `UNJUDGED`: it is null for nearly all trials, and a database then looks at the others for each of them.
    return and_(not_(is_judged()), ~holds_its_own)


_COMPUTED: dict[str, ColumnElement[Any]] = {
    "architecture_json": ArchitectureRow.__table__.c.document,
    "held_iteration": case((is_held(), TrialRow.unjudged_iteration)),
    "held_score": case((is_held(), TrialRow.unjudged_score)),
}
"""The fields of a record that are no columns of `trials`."""

TRIAL = select(
    *(
        TrialRow.__table__.c[field.name] if field.name in TRIAL_COLUMNS else _COMPUTED[field.name].label(field.name)
        for field in fields(TrialRecord)
    )
).join_from(TrialRow, ArchitectureRow, ArchitectureRow.key == TrialRow.architecture_key)
"""Selects the fields of a record in their order, so that `TrialRecord(*row)` makes one of a row."""


def candidates_for_best(connection: Connection, search_ids: Collection[str]) -> Iterator[tuple[str, TrialRecord]]:
    """Read, with the search's id, the best of the judged trials and all unjudged ones of some searches.

    One index look-up and one short range a search, however many trials it has.
    """
    for row in connection.execute(_candidates_for_best(), {"search_ids": list(search_ids)}):
        yield row[-1], TrialRecord(*row[:-1])


# Pages are read again and again, and putting the statement together takes longer than the database does for one search.
@cache
def _candidates_for_best() -> Any:
    trial = aliased(TrialRow)
    number = (
        select(trial.number)
        .where(
            trial.search_id == SearchRow.id,
            trial.value.is_not(None),
            trial.status != TrialStatus.FAILED,
            is_judged(trial),
        )
        .order_by(trial.iteration.desc(), trial.value.desc(), trial.number)
        .limit(1)
        .scalar_subquery()
    )
    of_search: Select[Any] = (
        TRIAL.add_columns(TrialRow.search_id)
        .join(SearchRow, SearchRow.id == TrialRow.search_id)
        .where(SearchRow.id.in_(bindparam("search_ids", expanding=True)))
    )
    return union_all(of_search.where(TrialRow.number == number), of_search.where(RANKED, UNJUDGED))


def best(trials: Collection[TrialRecord]) -> TrialRecord | None:
    """Choose the trial with the greatest standing, of equal ones the one with the lowest number; None without any."""
    ranked = [(trial.standing, -trial.number, trial) for trial in trials if trial.standing is not None]
    return max(ranked, key=lambda entry: entry[:2])[2] if ranked else None
