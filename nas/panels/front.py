"""Score against size: which trials no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence

from nas.formatting import score
from nas.results.domination import pareto_set
from nas.schemas.panels import LegendPublic, LinePublic, Mark, PointPublic, RowPanel, ScatterPanel
from nas.store.records import SizedScore

LOG_FROM = 10
"""Sizes that span so many times the smallest are drawn on a logarithmic axis."""

_LEGEND = (LegendPublic(mark="best", text="on the front"), LegendPublic(mark="completed", text="other trials"))


def front_panels(trials: Sequence[SizedScore], iteration: int, every: int) -> RowPanel:
    """Make the charts of score against parameters, and against multiply-adds.

    Args:
        trials: All trials whose deepest rung is `iteration`; at least one.
        iteration: The rung of the scores.
        every: Beside the front, trials whose number is a multiple of this are drawn.
    """
    sizes = {"parameters": [trial.parameters for trial in trials], "multiply-adds": [t.multiply_adds for t in trials]}
    return RowPanel(panels=tuple(_chart(trials, values, what, iteration, every) for what, values in sizes.items()))


def _chart(trials: Sequence[SizedScore], sizes: Sequence[int], what: str, iteration: int, every: int) -> ScatterPanel:
    results = [(trial.score, -float(size)) for trial, size in zip(trials, sizes, strict=True)]
    unbeaten = sorted(pareto_set(results), key=lambda place: (sizes[place], place))
    places = sorted({*unbeaten, *(place for place, trial in enumerate(trials) if trial.number % every == 0)})
    on_front = set(unbeaten)

    def point(place: int) -> PointPublic:
        trial = trials[place]
        mark: Mark = "best" if place in on_front else "completed"
        text = f"trial {trial.number}: {score(trial.score)}, {sizes[place]:,} {what}"
        return PointPublic(x=sizes[place], y=trial.score, text=text, mark=mark)

    line = LinePublic(text="front", mark="best", points=tuple((sizes[p], trials[p].score) for p in unbeaten))
    return ScatterPanel(
        title=f"mIoU against {what}, at iteration {iteration}",
        x_text=what,
        y_text="mIoU",
        x_log=min(sizes) > 0 and max(sizes) >= LOG_FROM * min(sizes),
        points=tuple(map(point, places)),
        lines=(line,),
        legend=_LEGEND,
    )
