"""What must be true of a search's record, whatever happened while the search ran."""

from __future__ import annotations

from collections.abc import Mapping

from nas.results.status import SearchStatus, TrialStatus
from nas.store import Store

Scores = Mapping[int, tuple[str, tuple[tuple[int, float], ...]]]
"""By the number of a trial: its architecture's key, and its (iteration, score) at every rung."""


def scores(store: Store, search_id: str) -> Scores:
    """Read the measured scores of a search."""
    curves = store.measurements(search_id)
    return {
        trial.number: (
            trial.architecture_key,
            tuple((measured.iteration, measured.score) for measured in curves.get(trial.number, ())),
        )
        for trial in store.all_trials(search_id)
    }


def check(store: Store, search_id: str, trials: int, rungs: tuple[int, ...], undisturbed: Scores) -> None:
    """Check that a search is complete: each trial once, each rung once, with the scores of an undisturbed search.

    Raises:
        AssertionError: Something was lost, doubled, or measured otherwise.
    """
    search = store.get_search(search_id)
    assert search.status is SearchStatus.COMPLETED, (search_id, search.status, search.message)
    recorded = store.all_trials(search_id)
    assert [trial.number for trial in recorded] == list(range(trials)), search_id
    failed = [(trial.number, trial.reason) for trial in recorded if trial.status is not TrialStatus.COMPLETED]
    assert not failed, (search_id, failed)
    found = scores(store, search_id)
    for number, (_, curve) in found.items():
        assert tuple(iteration for iteration, _ in curve) == rungs, (search_id, number, curve)
    different = {
        number: (found[number], undisturbed[number]) for number in found if found[number] != undisturbed[number]
    }
    assert not different, (search_id, different)
