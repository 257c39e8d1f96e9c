"""What a report says first, to somebody who was not there: what was tried, what won, whether that can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nas.comparison.searches import ComparedSearch
from nas.formatting import counted
from nas.kinds.confirmation import newest_confirmation
from nas.kinds.in_words import trial_name, trial_worth
from nas.kinds.registry import kind_of
from nas.results.status import TrialStatus
from nas.schemas.panels import TextPanel
from nas.store import SearchRecord, Store

_ENDED: Mapping[TrialStatus, str] = {
    TrialStatus.COMPLETED: "to the end",
    TrialStatus.PRUNED: "stopped early, as others were ahead",
    TrialStatus.FAILED: "failed",
    TrialStatus.STOPPED: "broken off with the search",
    TrialStatus.RUNNING: "still running",
}
"""How trainings ended, in words that need no other."""


def in_short(found: ComparedSearch, store: Store) -> tuple[TextPanel, ...]:
    """Say in a few lines what a search tried, what is the best of it, and what its score rests on.

    Args:
        found: What is known of the search.
        store: Holds its confirmations.

    Returns:
        A text; nothing before the first trial, and where the best trial is not the answer of the search.
    """
    if not found.trials or not kind_of(found.search.spec).best_is_answer:
        return ()
    return (TextPanel(lines=(_tried(found), *_won(found), *_trusted(found, store))),)


def unmeasured_order(search: SearchRecord) -> TextPanel:
    """Say that nothing is known of how well the scores of a search order its architectures, and what would tell."""
    return TextPanel(
        lines=(
            "It was not measured whether trainings of this length order architectures as long ones do. "
            f"`segnas full-scale {search.id} --fidelity FILE.yaml` trains some of them again at full scale.",
        )
    )


def _tried(found: ComparedSearch) -> str:
    trials = found.overview.trials
    parts = [f"{count:,} {words}" for status, words in _ENDED.items() if (count := trials.get(status, 0))]
    dataset = kind_of(found.search.spec).dataset(found.search.spec)
    return f"{counted(found.trials, 'training')} on {dataset}: {', '.join(parts)}."


def _won(found: ComparedSearch) -> Iterator[str]:
    best = found.best
    if best is not None and best.iteration is not None:
        name, worth = trial_name(found.search, best.number), trial_worth(found.search, best, found.confirmed)
        yield f"The best is {name}, with {worth} after {counted(best.iteration, 'training iteration')}."


def _trusted(found: ComparedSearch, store: Store) -> Iterator[str]:
    search = found.search
    if found.best is None or kind_of(search.spec).unranked(search) is not None:
        return
    if newest_confirmation(search.id, store) is not None:
        yield "The best were measured again with seeds that the search had not used: the answer says what came of it."
    else:
        yield (
            "Its score flatters: it is the highest of many, on the very images by which it was chosen. It was not "
            f"measured again with seeds that the search had not used: `segnas confirm {search.id}` does that."
        )
