"""Which of two trials of a search is better: the one definition."""

from __future__ import annotations

from typing import TypeAlias

from nas.results.status import TrialStatus

Standing: TypeAlias = tuple[float, float]
"""Greater is better, compared number by number."""


def standing(iteration: int, score: float) -> Standing:
    """The place of a score among the scores of a search: a deeper rung comes first, then a higher score.

    Early stopping lets the better ones go on, and scores of different rungs do not compare.
    """
    return (float(iteration), score)


def trial_standing(status: TrialStatus, iteration: int | None, score: float | None) -> Standing | None:
    """The standing of a trial by the deepest rung that it has measured; a trial that failed or has no score has none.

    Args:
        status: The trial's status.
        iteration: Its deepest rung, None before the first.
        score: The score there, None before the first.
    """
    if status is TrialStatus.FAILED or iteration is None or score is None:
        return None
    return standing(iteration, score)
