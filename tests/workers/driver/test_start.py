"""Searches that measure given architectures first: the driver's book, without Ray."""

from __future__ import annotations

import pytest

from nas.kinds.extension import extended
from nas.kinds.registry import kind_of
from nas.results.status import SearchStatus
from nas.specs import DenseCellSpace, EvolutionStrategy, RandomStrategy
from nas.store import ConflictError
from search_spaces.dense_cell.architecture import ASPP_CELL, PUBLISHED_CELL
from search_spaces.document import canonical
from search_spaces.validation import InputError
from tests.builders import dense_cell
from tests.workers.driver.test_lifecycle import create, quiet, results, stop_and_resume
from tests.workers.driver.toy import begin, drive, launch, run_trial


@pytest.mark.parametrize("strategy", [RandomStrategy(), EvolutionStrategy(population=4, sample=2)])
def test_what_it_starts_from_comes_first_and_resumed_it_goes_on(store, spec_of, strategy):
    source = create(store, spec_of())
    drive(store, source)
    best = store.best_trial(source).architecture
    spec = spec_of(strategy=strategy, seed=1, start=("published", source, dense_cell(77), "aspp_separable", best))
    straight, resumed = create(store, spec), create(store, spec)
    drive(store, straight)
    book = begin(store, resumed)
    for _ in range(2):
        run_trial(book, launch(book), quiet)
    stop_and_resume(store, resumed)
    # What the source measures from now on is not known to a search that was created before.
    longer = extended(store.get_search(source).spec, {"trials": 30})
    store.extend_search(source, store.get_search(source).spec, longer)
    drive(store, source)
    drive(store, resumed)
    first = [trial.architecture for trial in store.all_trials(straight)[:4]]
    assert first == [canonical(cell) for cell in (PUBLISHED_CELL, best, dense_cell(77), ASPP_CELL)]
    assert store.all_trials(straight)[4].architecture not in first
    assert results(store, resumed) == results(store, straight)


def test_what_cannot_be_started_from_is_refused(store, spec_of):
    running, other = create(store, spec_of()), create(store, spec_of(space=DenseCellSpace(branches=2), trials=2))
    begin(store, running)
    drive(store, other)
    empty = create(store, spec_of(seed=5))
    store.move_search(empty, [SearchStatus.QUEUED], SearchStatus.STOPPED)
    for name, words in (
        ("s000000000000", "there is no search s000000000000"),
        (running, "is running; wait for its end"),
        (other, f"the best of search {other} does not fit: the cell has 2 branches"),
        (empty, "has no trial with a score"),
    ):
        spec = spec_of(start=("published", name))
        with pytest.raises(InputError, match=words) as refused:
            kind_of(spec).check(spec, store)
        assert [problem.path for problem in refused.value.problems] == ["start.1"]


def test_a_search_that_others_start_from_is_not_deleted(store, spec_of):
    source = create(store, spec_of(trials=2))
    drive(store, source)
    later = create(store, spec_of(start=("published", source)))
    with pytest.raises(ConflictError, match=f"start from what it has measured: {later};"):
        store.delete_search(source)


def test_a_search_without_a_score_fails_the_one_that_starts_from_it_in_a_sentence(store, spec_of):
    search = create(store, spec_of(start=(create(store, spec_of(seed=5)),)))
    spec = store.get_search(search).spec
    with pytest.raises(ValueError, match=r"start\.0: search s.* had no trial with a score when this"):
        kind_of(spec).plan(spec, search, store)
