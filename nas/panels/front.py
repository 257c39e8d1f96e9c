"""Score against size: which trials no other one beats in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nas.formatting import score
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


def front(points: Iterable[tuple[int, float]]) -> list[int]:
    """Find the points that no other point beats: none has a higher score at most at the same size.

    Args:
        points: Size and score of each.

    Returns:
        Their places in `points`, ascending in size and in score. Of equal points the first one.
    """
    found: list[int] = []
    best = float("-inf")
    for place, (_, value) in sorted(enumerate(points), key=lambda entry: (entry[1][0], -entry[1][1], entry[0])):
        if value > best:
            found.append(place)
            best = value
    return found


def _chart(trials: Sequence[SizedScore], sizes: Sequence[int], what: str, iteration: int, every: int) -> ScatterPanel:
    unbeaten = front(zip(sizes, (trial.score for trial in trials), strict=True))
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
