"""The order of results from worse to better, which leaderboards, rankings and strategies share.

A deeper rung counts before a higher score: scores at different rungs are not comparable, and early stopping lets a
trial continue only when it is among the better ones at a rung. The first trials at a rung are the exception: they
continue before there is anything to judge them by, and a trial that was stopped there later, with a higher score, never
met them. So a trial that passed a rung unjudged, and was judged at none since, stands at its deepest rung only where it
scored at least as high there as one trial that was judged on its way; otherwise it stands at the rung that it passed
unjudged, with its score there.

Pair by pair the fairest comparison would be that at the deepest rung which both trials have measured. That is no order:
a can beat b at a deep rung, b beat c and c beat a at shallower ones. The rule above is an order, and it breaks such a
circle at the comparison of the shallowest rung. `nas.store.standing` is the same in SQL.
"""

from __future__ import annotations

from typing import TypeAlias

from nas.formatting import score
from nas.results.status import TrialStatus

Standing: TypeAlias = tuple[int, float]
"""A result's sort key, its rung and the score there: the greater one is the better result."""


def standing(
    iteration: int, score: float, unjudged: Standing | None = None, least_judged: float | None = None
) -> Standing:
    """Make the sort key of a result among the results of a search.

    Args:
        iteration: Training iterations at the deepest rung measured.
        score: Validation mIoU at that rung, in [0, 1].
        unjudged: The first rung that the trial passed unjudged, and its score there; None where it passed none so, or
            was judged at a later one.
        least_judged: Lowest score at `iteration` of the trials whose deepest rung is that too and whose `unjudged` is
            None; None where there is no such trial. Only read with `unjudged`.
    """
    if unjudged is None or (least_judged is not None and score >= least_judged):
        return iteration, score
    return unjudged


def trial_standing(status: TrialStatus, iteration: int | None, score: float | None) -> Standing | None:
    """Make the sort key of a trial at one of its rungs; None for a trial that failed or has no score.

    Args:
        status: Status of the trial.
        iteration: Training iterations at the rung; None before the first.
        score: Validation mIoU at that rung, in [0, 1]; None before the first.
    """
    if status is TrialStatus.FAILED or iteration is None or score is None:
        return None
    return standing(iteration, score)


def placed_text(iteration: int | None, standing: tuple[float, ...] | None) -> str:
    """Say why a trial has the place of a shallower rung than its deepest one; empty where it has not.

    Args:
        iteration: Training iterations at the deepest rung; None before the first.
        standing: The trial's sort key; None where it has no place.
    """
    if standing is None or standing[0] == iteration:
        return ""
    rung, value = standing
    return f"placed by {score(value)} at {rung:.0f}, which it passed unjudged"
