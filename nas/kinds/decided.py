"""Which trial a confirmation says is the best of its search: one rule, of what is measured now and of what was once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from statistics import fmean, stdev

from nas.results.confirmed import best_confirmed
from nas.specs import ConfirmationSpec
from nas.store import MeasuredAgain, SearchRecord, TrialRecord
from search_spaces.document import Confirmed


def decided(
    confirmation: str, spec: ConfirmationSpec, again: Iterable[MeasuredAgain]
) -> tuple[int, Confirmed] | tuple[None, None]:
    """Choose the confirmed trial with the highest mean, with what was measured of it; None before anything is.

    Args:
        confirmation: The id of the confirmation.
        spec: Its spec.
        again: What it measured of the trials that it confirms.
    """
    scores: dict[int, dict[int, float]] = {number: {} for number in spec.trials}
    for row in again:
        scores[row.found][row.seed] = row.value
    best = best_confirmed({number: of_seeds.values() for number, of_seeds in scores.items()})
    if best is None:
        return None, None
    values = list(scores[best].values())
    return best, Confirmed(
        search=confirmation,
        score=fmean(values),
        objective=spec.goals.text,
        spread=stdev(values) if len(values) > 1 else None,
        seeds=len(values),
        kept_back=spec.kept_back,
    )


def decides(search: SearchRecord, first: TrialRecord, spec: ConfirmationSpec, again: Collection[MeasuredAgain]) -> bool:
    """Return whether a completed confirmation decides which trial of a search is the best.

    It does not where it went by another objective than the search has, nor once the search has found a trial that
    stands first and was not confirmed.

    Args:
        search: The search.
        first: The first of its leaderboard.
        spec: Of the confirmation.
        again: What that measured of the trials that it confirms.
    """
    if spec.goals.text != search.spec.goals.text:
        return False
    return first.number in spec.trials or first.architecture_key in {row.architecture_key for row in again}
