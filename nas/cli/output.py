"""What the commands print: JSON, tables, and the state of a search."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nas.escaping import one_line
from nas.formatting import duration, score

if TYPE_CHECKING:
    from nas.schemas.forecasts import ForecastPublic
    from nas.schemas.references import ReferencePublic
    from nas.schemas.searches import SearchPublic
    from nas.schemas.snapshots import SnapshotPublic
    from nas.schemas.trials import TrialPublic

WIDE = 200
"""Width in characters of a table that is written to a file or a pipe."""


def console(stderr: bool = False) -> Console:
    """A console as wide as the terminal; `WIDE` characters where the output is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False, soft_wrap=False)


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    print(json.dumps(value, indent=2))


def print_searches(searches: Iterable[SearchPublic]) -> None:
    """Print a table with a line for each search."""
    table = new_table("ID", "Name", "Status", "Trials", "Best mIoU", "Age")
    for search in searches:
        table.add_row(
            cell(search.id),
            cell(search.name).append(f"  {one_line(' '.join(search.tags))}" if search.tags else "", style="dim"),
            search.status,
            f"{ended(search)} / {search.planned}",
            score(search.best.score if search.best else None),
            duration((datetime.now(UTC) - search.created_at).total_seconds()),
        )
    console().print(table)


def print_search(search: SearchPublic) -> None:
    """Print the state of one search, then the fields of its spec that are not defaults."""
    counts = ", ".join(f"{count} {status}" for status, count in search.trials.items() if count)
    lines = {
        "search": f"{search.id}  {search.name}",
        "tags": ", ".join(search.tags) or None,
        "kind": search.kind,
        "status": str(search.status),
        "note": search.message,
        "notes": search.notes,
        "stage": f"{search.stage.name} {search.stage.done} / {search.stage.total}" if search.stage else None,
        "trials": f"{ended(search)} of {search.planned} ended" + (f" ({counts})" if counts else ""),
        "best": best(search),
        "cost": f"{duration(search.cost.device_seconds)} of device time"
        + (f", {search.cost.adopted} trials taken over" if search.cost.adopted else ""),
        "forecast": forecast_line(search.forecast) if search.forecast else None,
        "of": search.parent,
        "drivers": str(search.attempt) if search.attempt > 1 else None,
        "created": f"{search.created_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "took": duration((search.finished_at - search.created_at).total_seconds()) if search.finished_at else None,
        "Ray job": search.dashboard,
    }
    for name, line in lines.items():
        if line is not None:
            print(f"{name:>9}  {one_line(line)}")
    fields = search.spec.model_dump(mode="json", exclude_defaults=True, exclude={"name", "kind"})
    for name, value in fields.items():
        print(f"{name:>9}  {json.dumps(value)}")


def print_trials(trials: Iterable[TrialPublic]) -> None:
    """Print a table with a line for each trial."""
    table = new_table("Trial", "Status", "mIoU", "Iteration", "Time", "Attempt", "Architecture")
    for trial in trials:
        architecture = cell(trial.text)
        if trial.reason:
            architecture = cell(trial.reason).append("\n").append(architecture)
        table.add_row(
            f"#{trial.number}",
            trial.status,
            score(trial.score),
            "" if trial.iteration is None else str(trial.iteration),
            duration(trial.seconds),
            str(trial.attempt),
            architecture,
        )
    console().print(table)


def print_snapshots(snapshots: Iterable[SnapshotPublic]) -> None:
    """Print a table with a line for each snapshot of a differentiable search."""
    from search_spaces.auto_deeplab.architecture import STRIDES

    table = new_table("Run", "Epoch", "Supernet", "Decoded", "Trial", "Alpha", "Beta", "Path", "Time", "Note")
    for snapshot in snapshots:
        table.add_row(
            str(snapshot.run),
            str(snapshot.epoch),
            score(snapshot.supernet_miou),
            score(snapshot.score),
            "" if snapshot.trial is None else f"#{snapshot.trial}",
            f"{snapshot.alpha_entropy:.3f}",
            f"{snapshot.beta_entropy:.3f}",
            " ".join(str(STRIDES[level]) for level in snapshot.path),
            duration(snapshot.device_seconds),
            cell(f"stopped by {snapshot.stopped_by}" if snapshot.stopped_by else ""),
        )
    console().print(table)


def print_heads(rows: Iterable[ReferencePublic]) -> None:
    """Print a table with a line for each head of a reference search."""
    table = new_table("Head", "Parameters", "Multiply-adds", "mIoU", "Spread", "Seeds", "To the trunk", "Time")
    for row in rows:
        difference = row.difference
        error = "" if difference is None or difference.error is None else f" +- {difference.error:.4f}"
        table.add_row(
            cell(row.head),
            "" if row.parameters is None else f"{row.parameters:,}",
            "" if row.multiply_adds is None else f"{row.multiply_adds / 1e6:,.1f} M",
            score(row.mean),
            score(row.spread),
            f"{len(row.scores)}" + (f" ({len(row.failed)} failed)" if row.failed else ""),
            "" if difference is None else f"{difference.mean:+.4f}{error}",
            duration(row.device_seconds),
        )
    console().print(table)


def forecast_line(forecast: ForecastPublic) -> str:
    """Expected cost and duration with their basis, in one line."""
    if forecast.device_seconds is None:
        return f"none: {forecast.reason}"
    cost = f"{duration(forecast.device_seconds)} of device time, {duration(forecast.seconds)} from first to last"
    return f"{cost} ({forecast.basis})"


def best(search: SearchPublic) -> str | None:
    """One line about the best trial; None before a trial has a score."""
    if search.best is None:
        return None
    by = search.objectives[0]
    value = "" if by == "mIoU" else f"{score(search.best.value)} {by}, "
    trial = f"trial {search.best.number} at iteration {search.best.iteration}"
    return f"{value}{score(search.best.score)} mIoU ({trial})"


def ended(search: SearchPublic) -> int:
    """Number of trials that are over."""
    return sum(count for status, count in search.trials.items() if status.terminal)


def cell(text: str) -> Text:
    """The cell of a table with a text of others: on one line, and without a meaning for the terminal."""
    return Text(one_line(text))


def new_table(*columns: str) -> Table:
    """A table without lines; only the columns of long texts wrap."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column not in ("Architecture", "Name", "Source"))
    return table
