"""Finds what a trial came from, and the other trials that have its architecture."""

from __future__ import annotations

from collections.abc import Iterator

from nas.kinds.registry import kind_of
from nas.panels.relatives import Relative
from nas.store import SearchRecord, Store, TrialRecord

MOST = 12
"""How many trials of one search, and how many searches, are named."""


def relatives(store: Store, search: SearchRecord, trial: TrialRecord) -> Iterator[Relative]:
    """Yield what a trial came from, then its architecture's other trials in its search and in full-scale evaluations.

    Args:
        store: The record.
        search: The trial's search.
        trial: The trial.
    """
    if trial.source is not None:
        source, _, number = trial.source.rpartition("/")
        yield Relative("its measurements were adopted from", source, int(number))
    for origin in kind_of(search.spec).origins(search, trial.number):
        yield Relative(*origin)
    same = [other for other in store.trials_of(search.id, [trial.architecture_key]) if other.number != trial.number]
    for other in same[:MOST]:
        fidelity = "" if other.fidelity_key == trial.fidelity_key else ", at another fidelity"
        yield Relative(f"the same architecture with seed {other.seed}{fidelity}:", search.id, other.number, other.score)
    for child in store.children(search.id)[:MOST]:
        numbers = kind_of(child.spec).trials_again(child.spec, trial.number)
        recorded = {other.number: other for other in store.trials_of(child.id, [trial.architecture_key])}
        for again in numbers:
            if again in recorded:
                yield Relative("measured again as", child.id, again, recorded[again].score)
