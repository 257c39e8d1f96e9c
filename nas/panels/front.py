"""A search's first objective against size: which trials no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence

from nas.formatting import score
from nas.results.domination import pareto_set
from nas.schemas.panels import LegendPublic, LinePublic, Mark, PointPublic, RowPanel, ScatterPanel
from nas.store.figures import SizedScore

LOG_FROM = 10
"""Sizes that span so many times the smallest are drawn on a logarithmic axis."""

_LEGEND = (LegendPublic(mark="best", text="on the front"), LegendPublic(mark="completed", text="other trials"))


def front_panels(trials: Sequence[SizedScore], objective: str, iteration: int, every: int) -> RowPanel:
    """Make the charts of the first objective against parameters, and against multiply-adds.

    Args:
        trials: All trials whose deepest rung is `iteration`; at least one.
        objective: The first objective in words.
        iteration: The rung of the values.
        every: Beside the front, trials whose number is a multiple of this are drawn.
    """
    sizes = {"parameters": [trial.parameters for trial in trials], "multiply-adds": [t.multiply_adds for t in trials]}
    charts = (
        _chart(trials, values, what, objective=objective, iteration=iteration, every=every)
        for what, values in sizes.items()
    )
    return RowPanel(panels=tuple(charts))


def _chart(
    trials: Sequence[SizedScore], sizes: Sequence[int], what: str, *, objective: str, iteration: int, every: int
) -> ScatterPanel:
    results = [(trial.value, -float(size)) for trial, size in zip(trials, sizes, strict=True)]
    unbeaten = sorted(pareto_set(results), key=lambda place: (sizes[place], place))
    places = sorted({*unbeaten, *(place for place, trial in enumerate(trials) if trial.number % every == 0)})
    on_front = set(unbeaten)

    def point(place: int) -> PointPublic:
        trial = trials[place]
        mark: Mark = "best" if place in on_front else "completed"
        text = f"trial {trial.number}: {score(trial.value)}, {sizes[place]:,} {what}"
        return PointPublic(x=sizes[place], y=trial.value, text=text, mark=mark)

    line = LinePublic(text="front", mark="best", points=tuple((sizes[p], trials[p].value) for p in unbeaten))
    return ScatterPanel(
        title=f"{objective} against {what}, at iteration {iteration}",
        x_text=what,
        y_text=objective,
        x_log=min(sizes) > 0 and max(sizes) >= LOG_FROM * min(sizes),
        points=tuple(map(point, places)),
        lines=(line,),
        legend=_LEGEND,
    )
