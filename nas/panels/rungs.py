"""How many trials reached each rung, how many were stopped there, and how their scores spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median, quantiles

from nas.formatting import score
from nas.results.status import TrialStatus
from nas.schemas.panels import ColumnPublic, LegendPublic, LinePublic, LinesPanel, RowPanel, TablePanel, TextPanel
from nas.store.figures import RungCount, RungPoint

_COLUMNS = ("Rung", "Reached", "Stopped there", "Failed after it", "Median", "Middle half", "Best")


def rungs_panels(
    rungs: Sequence[int], counts: Iterable[RungCount], sample: Mapping[int, Sequence[RungPoint]], note: str
) -> tuple[RowPanel | TablePanel | TextPanel, ...]:
    """Make the table of the rungs of a search, and where there are several, a chart of the scores' spread.

    Args:
        rungs: Iterations, ascending.
        counts: Of the trials, by status and deepest rung.
        sample: Scores at the rungs of some trials, by trial number.
        note: Which trials are in the sample, in words.
    """
    deepest = list(counts)
    scores: dict[int, list[float]] = {rung: [] for rung in rungs}
    for points in sample.values():
        for point in points:
            if point.iteration in scores:
                scores[point.iteration].append(point.score)
    spread = {rung: _spread(values) for rung, values in scores.items() if values}
    rows = tuple(_row(rung, deepest, spread.get(rung)) for rung in rungs)
    columns = tuple(ColumnPublic(text=text, numeric=True) for text in _COLUMNS)
    table = TablePanel(title="Rungs", columns=columns, rows=rows)
    remark = TextPanel(lines=(note,), style="muted")
    return (RowPanel(panels=(table, _chart(spread))) if len(spread) > 1 else table, remark)


def _row(rung: int, counts: Sequence[RungCount], spread: tuple[float, ...] | None) -> tuple[str, ...]:
    reached = sum(count.trials for count in counts if count.iteration is not None and count.iteration >= rung)
    there = [count for count in counts if count.iteration == rung]
    stopped = sum(count.trials for count in there if count.status is TrialStatus.PRUNED)
    failed = sum(count.trials for count in there if count.status is TrialStatus.FAILED)
    texts = ("", "", "")
    if spread is not None:
        low, middle, high, best = spread
        texts = (score(middle), f"{score(low)} to {score(high)}", score(best))
    return f"{rung:,}", f"{reached:,}", f"{stopped:,}", f"{failed:,}", *texts


def _spread(values: Sequence[float]) -> tuple[float, float, float, float]:
    """The quartiles and the greatest value."""
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else (values[0],) * 3
    return low, median(values), high, max(values)


def _chart(spread: Mapping[int, tuple[float, ...]]) -> LinesPanel:
    names = ("lower quartile", "median", "upper quartile", "best")
    marks = ("pruned", "completed", "pruned", "best")
    lines = tuple(
        LinePublic(text=name, mark=mark, points=tuple((rung, values[at]) for rung, values in spread.items()))
        for at, (name, mark) in enumerate(zip(names, marks, strict=True))
    )
    legend = (
        LegendPublic(mark="best", text="best"),
        LegendPublic(mark="completed", text="median"),
        LegendPublic(mark="pruned", text="quartiles"),
    )
    return LinesPanel(title="Scores at the rungs", x_text="iterations", y_text="mIoU", lines=lines, legend=legend)
