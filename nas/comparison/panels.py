"""Panels of searches side by side: how their best scores rose, their best trials, the settings that differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from nas.comparison.searches import ComparedSearch
from nas.comparison.settings import MOST_SETTINGS, Setting, shown_value
from nas.formatting import counted, duration, milliseconds, score
from nas.kinds.in_words import measured_again
from nas.schemas.panels import (
    SERIES,
    ColumnPublic,
    LegendPublic,
    LinePublic,
    LinesPanel,
    Panel,
    RowPanel,
    TablePanel,
    TextPanel,
)

_UNITS = (
    (48 * 3600.0, 86400.0, "days"),
    (2 * 3600.0, 3600.0, "hours"),
    (120.0, 60.0, "minutes"),
    (0.0, 1.0, "seconds"),
)
"""For a longest time of at least so many seconds: the seconds of a unit, and its name."""


def comparison_panels(compared: Sequence[ComparedSearch], settings: Sequence[Setting]) -> tuple[Panel, ...]:
    """Make the panels of searches side by side.

    Args:
        compared: The searches, at most as many as there are `SERIES`.
        settings: The settings in which they differ.
    """
    return (curve_panels(compared), _winners(compared), *_settings(compared, settings))


def curve_panels(compared: Sequence[ComparedSearch]) -> RowPanel:
    """Make two charts of the best so far: over device time and over trials. One search alone has no legend.

    What is drawn is the first objective of each search.

    Trials count in the order of their numbers; the time of differentiable runs comes before all trials.
    """
    longest = max((one.overview.cost.device_seconds for one in compared), default=0.0)
    unit, name = next((seconds, name) for least, seconds, name in _UNITS if longest >= least)
    legend = tuple(
        LegendPublic(mark=mark, text=_named(one)) for mark, one in zip(SERIES, compared, strict=False) if one.steps
    )
    best = f"Best {_value_text(compared)}"
    charts = (
        (f"{best} over device time", f"device time, {name}", lambda one: _over_time(one, unit)),
        (f"{best} over trials", "trials", _over_trials),
    )
    return RowPanel(
        panels=tuple(
            LinesPanel(
                title=title, x_text=x_text, lines=_lines(compared, points), legend=legend[1:] and legend, steps=True
            )
            for title, x_text, points in charts
        )
    )


def _lines(
    compared: Sequence[ComparedSearch], points: Callable[[ComparedSearch], list[tuple[float, float]]]
) -> tuple[LinePublic, ...]:
    marked = zip(SERIES, compared, strict=False)
    return tuple(
        LinePublic(text=_named(one), mark=mark, points=tuple(points(one))) for mark, one in marked if one.steps
    )


def _over_time(one: ComparedSearch, unit: float) -> list[tuple[float, float]]:
    points = [((one.run_seconds + step.device_seconds) / unit, step.value) for step in one.steps]
    return [*points, (max(one.overview.cost.device_seconds / unit, points[-1][0]), points[-1][1])]


def _over_trials(one: ComparedSearch) -> list[tuple[float, float]]:
    points = [(float(step.trials), step.value) for step in one.steps]
    return [*points, (float(one.trials), points[-1][1])]


def _value_text(compared: Sequence[ComparedSearch]) -> str:
    """What the values of the searches are, in words: their first objective, if it is the same one."""
    objectives = {one.objective for one in compared}
    return objectives.pop() if len(objectives) == 1 else "value of each search's own objective"


def _named(one: ComparedSearch) -> str:
    return f"{one.search.name} ({one.search.id})"


def _columns(compared: Sequence[ComparedSearch]) -> tuple[ColumnPublic, ...]:
    return (ColumnPublic(text=""), *(ColumnPublic(text=_named(one)) for one in compared))


def _winners(compared: Sequence[ComparedSearch]) -> TablePanel:
    by_miou = {one.objective for one in compared} == {"mIoU"}
    best = f"best {_value_text(compared)}" if len({one.objective for one in compared}) == 1 else "best value"
    facts = ((best, _best_value), *(() if by_miou else _OTHERWISE), *_FACTS)
    rows = [(name, *(fact(one) for one in compared)) for name, fact in facts]
    return TablePanel(title="Best trial of each", columns=_columns(compared), rows=tuple(filter(_has_content, rows)))


def _has_content(row: tuple[str, ...]) -> bool:
    return any(row[1:])


def _best_value(one: ComparedSearch) -> str:
    if one.snapshot is not None:
        return f"{score(one.snapshot.snapshot.supernet_miou)} (supernet)"
    return score(one.best.standing[1] if one.best and one.best.standing else None)


def _number(name: str, write: Callable[[float], str]) -> Callable[[ComparedSearch], str]:
    def fact(one: ComparedSearch) -> str:
        value = getattr(one.best, name, None)
        return "" if value is None else write(value)

    return fact


def _place(one: ComparedSearch) -> str:
    if one.snapshot is not None:
        return f"run {one.snapshot.run}, epoch {one.snapshot.snapshot.epoch}"
    if one.best is None:
        return ""
    again = measured_again(one.search, one.best.number)
    return f"#{one.best.number}" if again is None else f"#{again.number} of {again.search}, here #{one.best.number}"


def _mean(one: ComparedSearch) -> str:
    """What was confirmed, which does not flatter as the best of many trials does."""
    return "" if one.confirmed is None else f"{score(one.confirmed.score)} ({counted(one.confirmed.seeds, 'seed')})"


def _latency(one: ComparedSearch) -> str:
    latency = None if one.best is None else one.best.latency
    return "" if latency is None else milliseconds(latency["median_ms"])


_Fact: TypeAlias = tuple[str, Callable[[ComparedSearch], str]]

_OTHERWISE: tuple[_Fact, ...] = (
    ("by the objective", lambda one: one.objective),
    ("its mIoU", _number("score", score)),
)
"""Where a search has another first objective than the mIoU."""

_FACTS: tuple[_Fact, ...] = (
    ("mean over fresh seeds", _mean),
    ("at iteration", lambda one: f"{one.measured.rung:,}" if one.measured else ""),
    ("trial", _place),
    ("trained parameters", _number("parameters", lambda value: f"{value:,}")),
    ("multiply-adds of a crop", _number("multiply_adds", lambda value: f"{value / 1e6:,.1f} M")),
    ("latency", _latency),
    ("device time of the trial", _number("device_seconds", duration)),
    ("device time of the search", lambda one: duration(one.overview.cost.device_seconds)),
    ("trials", lambda one: f"{one.trials} of {one.search.planned}"),
    ("status", lambda one: str(one.search.status)),
    ("architecture", lambda one: one.best.text if one.best else ""),
)


def _settings(compared: Sequence[ComparedSearch], settings: Sequence[Setting]) -> tuple[Panel, ...]:
    if not settings:
        return (TextPanel(title="Settings that differ", lines=("None: the searches were asked for the same.",)),)
    rows = tuple((setting.path, *map(shown_value, setting.values)) for setting in settings[:MOST_SETTINGS])
    table = TablePanel(title="Settings that differ", columns=_columns(compared), rows=rows)
    if len(settings) <= MOST_SETTINGS:
        return (table,)
    rest = counted(len(settings) - MOST_SETTINGS, "further setting differs", "further settings differ")
    more = f"{rest}: these searches ask for different things."
    return (table, TextPanel(lines=(more,), style="muted"))
