"""Trials as a table: one row for each trial, one column for each fact that an analysis reads.

    number         of the trial within its search
    status         running, completed, pruned, failed or stopped
    architecture   in one line
    score_N        validation mIoU at rung N, a column for each rung that a trial has reached, ascending
    value          of the search's first objective, at the deepest rung
    parameters     trainable ones of what was trained
    multiply_adds  of one forward pass of what was trained, for one crop
    latency_ms     median of one forward pass of it, in milliseconds
    device_seconds of training and validation, times the devices held
    seed           of the trial

What a trial does not have, such as the score at a rung that it did not reach, is empty.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from nas.schemas.trials import TrialPublic

if TYPE_CHECKING:
    import pandas


_AFTER = ("value", "parameters", "multiply_adds", "latency_ms", "device_seconds", "seed")
"""The columns after the scores."""


class Table(NamedTuple):
    """Names of columns, and rows with a value or None for each column."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def trial_table(trials: Iterable[TrialPublic]) -> Table:
    """Make the table of trials that have their `scores`."""
    listed = list(trials)
    rungs = sorted({rung.iteration for trial in listed for rung in trial.scores or ()})
    columns = ("number", "status", "architecture", *map(_score_column, rungs), *_AFTER)
    return Table(columns, [_row(trial, rungs) for trial in listed])


def write_csv(table: Table, file: TextIO) -> None:
    """Write a table as comma-separated values with a line of names."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)


def trial_frame(trials: Iterable[TrialPublic]) -> pandas.DataFrame:
    """Make a table of pandas; whole numbers that a trial may lack are of type Int64.

    Raises:
        ValueError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise ValueError("a table of trials needs pandas: pip install 'segnas[pandas]'") from None
    table = trial_table(trials)
    types = {"number": "int64", "seed": "int64", "parameters": "Int64", "multiply_adds": "Int64"}
    floats = ("value", "latency_ms", "device_seconds")
    numbers = {name: "float64" for name in table.columns if name.startswith("score_") or name in floats}
    return pandas.DataFrame(table.rows, columns=list(table.columns)).astype({**types, **numbers})


def _score_column(rung: int) -> str:
    return f"score_{rung}"


def _row(trial: TrialPublic, rungs: list[int]) -> tuple[Any, ...]:
    scores = {rung.iteration: rung.score for rung in trial.scores or ()}
    return (
        *(trial.number, str(trial.status), trial.text),
        *(scores.get(rung) for rung in rungs),
        *(trial.value, trial.parameters, trial.multiply_adds),
        None if trial.latency is None else trial.latency.median_ms,
        *(trial.device_seconds, trial.seed),
    )
