"""What the commands print: JSON, tables, and the state of a search."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from nas.cli.layout import Column, cell, is_narrow, print_fields, print_table
from nas.escaping import one_line
from nas.formatting import counted, duration, elapsed, expected_cost, quantity, score, worth_text
from search_spaces.text import short_legend

if TYPE_CHECKING:
    from nas.schemas.forecasts import ForecastPublic
    from nas.schemas.references import ReferencePublic
    from nas.schemas.searches import BestPublic, SearchPublic
    from nas.schemas.snapshots import SnapshotPublic
    from nas.schemas.trials import TrialPublic


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    print(json.dumps(value, indent=2))


def print_result(line: str, value: Mapping[str, Any], as_json: bool) -> None:
    """Print what a command has done.

    Args:
        line: In words; may have several lines.
        value: The same as JSON.
        as_json: Whether to print the JSON.
    """
    if as_json:
        print_json(value)
    else:
        print(line)


def print_searches(searches: Iterable[SearchPublic]) -> None:
    """Print a table with a line for each search."""
    columns = (
        Column("ID"),
        Column("Name", wraps=True),
        Column("Status"),
        Column("Trials"),
        Column("Best"),
        Column("Age", drop=1),
        Column("Owner", drop=2),
    )
    rows = (
        (
            search.id,
            cell(search.name).append(f"  {one_line(' '.join(search.tags))}" if search.tags else "", style="dim"),
            str(search.status),
            f"{ended(search)} / {search.planned}",
            score(best_value(search)),
            elapsed((datetime.now(UTC) - search.created_at).total_seconds()) or "",
            cell(search.owner or ""),
        )
        for search in searches
    )
    print_table(columns, rows)


def print_search(search: SearchPublic) -> None:
    """Print the state of one search, then the fields of its spec that are not defaults, in words."""
    from nas.cli.spec_fields import print_variants, spec_fields

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
        "leaderboard": None
        if search.leaderboard_first is None
        else f"begins with {_best(search.leaderboard_first, search.objectives[0])}",
        "cost": f"{duration(search.cost.device_seconds)} of device time"
        + (f", {counted(search.cost.adopted, 'trial')} taken over" if search.cost.adopted else ""),
        "forecast": forecast_line(search.forecast) if search.forecast else None,
        "confirmed by": search.confirmation,
        "of": search.parent,
        "owner": search.owner,
        "drivers": str(search.attempt) if search.attempt > 1 else None,
        "created": f"{search.created_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "took": elapsed((search.finished_at - search.created_at).total_seconds()) if search.finished_at else None,
        "Ray job": search.dashboard,
    }
    print_fields([*lines.items(), *spec_fields(search.spec)])
    print_variants(search.spec)


def print_trials(trials: Iterable[TrialPublic]) -> None:
    """Print a table with a line for each trial; values of the first objective where they are no mIoU."""
    listed = list(trials)
    others = any(trial.value not in (None, trial.score) for trial in listed)
    columns = (
        Column("Trial"),
        Column("Status"),
        *((Column("Value", drop=4),) if others else ()),
        Column("mIoU"),
        Column("Iteration", drop=1),
        Column("Latency", drop=5),
        Column("Time", drop=2),
        Column("Attempt", drop=3),
        Column("Architecture", wraps=True),
    )
    texts = Architectures((trial.text, trial.short_text) for trial in listed)
    several = any(trial.attempt > 1 for trial in listed)
    rows = (
        (
            f"#{trial.number}",
            str(trial.status),
            *((score(trial.value),) if others else ()),
            score(trial.score),
            "" if trial.iteration is None else str(trial.iteration),
            trial.latency_text,
            duration(trial.seconds),
            str(trial.attempt) if several else "",
            Text("\n").join(cell(line) for line in (trial.reason, trial.placed, text) if line),
        )
        for trial, text in zip(listed, texts, strict=True)
    )
    print_table(columns, rows, texts.notes)


class Architectures:
    """The texts of architectures in a table: short ones where the terminal is narrow, with their explanation.

    Args:
        texts: Of each architecture the text in one line, and the short one, which may be empty.
    """

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        narrow = is_narrow()
        pairs = [(text, short or text) for text, short in texts]
        self._shown = [short if narrow else text for text, short in pairs]
        legends = (short_legend(text, short) for text, short in pairs if narrow)
        self.notes = [f"Architecture: {legend}" for legend in dict.fromkeys(legends) if legend is not None]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)


def print_snapshots(snapshots: Iterable[SnapshotPublic]) -> None:
    """Print a table with a line for each snapshot of a differentiable search."""
    from search_spaces.auto_deeplab.architecture import STRIDES

    columns = (
        Column("Run"),
        Column("Epoch"),
        Column("Supernet"),
        Column("Decoded"),
        Column("Trial", drop=2),
        Column("Alpha"),
        Column("Beta"),
        Column("Path"),
        Column("Time", drop=3),
        Column("Note", wraps=True, drop=1),
    )
    narrow = is_narrow()
    rows = (
        (
            str(snapshot.run),
            str(snapshot.epoch),
            score(snapshot.supernet_miou),
            score(snapshot.score),
            "" if snapshot.trial is None else f"#{snapshot.trial}",
            f"{snapshot.alpha_entropy:.3f}",
            f"{snapshot.beta_entropy:.3f}",
            "".join(map(str, snapshot.path)) if narrow else " ".join(str(STRIDES[level]) for level in snapshot.path),
            duration(snapshot.device_seconds),
            cell(f"stopped by {snapshot.stopped_by}" if snapshot.stopped_by else ""),
        )
        for snapshot in snapshots
    )
    print_table(columns, rows, ["Path: the level of each layer, 0 is stride 4, 3 is stride 32"] if narrow else [])


def print_heads(rows: Iterable[ReferencePublic]) -> None:
    """Print a table with a line for each head of a reference search."""
    columns = (
        Column("Head", wraps=True),
        Column("Parameters", drop=1),
        Column("Multiply-adds", drop=3),
        Column("mIoU"),
        Column("Spread", drop=2),
        Column("Seeds", drop=5),
        Column("To the trunk"),
        Column("Time", drop=4),
    )
    print_table(columns, map(_head, rows))


def _head(row: ReferencePublic) -> tuple[str | Text, ...]:
    difference = row.difference
    error = "" if difference is None or difference.error is None else f" +- {difference.error:.4f}"
    return (
        cell(row.head),
        quantity(row.parameters),
        quantity(row.multiply_adds),
        score(row.mean),
        score(row.spread),
        f"{len(row.scores)}" + (f" ({len(row.failed)} failed)" if row.failed else ""),
        "" if difference is None else f"{difference.mean:+.4f}{error}",
        duration(row.device_seconds),
    )


def forecast_line(forecast: ForecastPublic) -> str:
    """Expected cost and duration with their basis, in one line."""
    if forecast.device_seconds is None:
        return f"none: {forecast.reason}"
    return expected_cost(forecast.device_seconds, forecast.seconds, forecast.basis)


def best(search: SearchPublic) -> str | None:
    """One line about the best trial; None before a trial has a score."""
    if search.best is None:
        return None
    return _best(search.best, search.objectives[0])


def _best(trial: BestPublic, objective: str) -> str:
    worth = trial.worth or worth_text(objective, trial.value, trial.score)  # an older service says it in no words
    named = trial.named or f"trial {trial.number}"  # likewise
    return f"{worth} ({named}{',' if ',' in named else ''} at iteration {trial.iteration})"


def best_value(search: SearchPublic) -> float | None:
    """Value of the search's first objective at its best trial: the mean over fresh seeds where it was confirmed, else
    its own; None before a trial has one.
    """
    if search.best is None:
        return None
    if search.best.confirmed is not None:
        return search.best.confirmed.mean
    return search.best.score if search.best.value is None else search.best.value  # an older service knows mIoU alone


def ended(search: SearchPublic) -> int:
    """Number of trials that are over."""
    return sum(count for status, count in search.trials.items() if status.terminal)
