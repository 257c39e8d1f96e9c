"""Adopted trials: what was measured before is taken over, once, with its source named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus
from nas.results.status import TrialStatus as T
from nas.specs import Fidelity
from nas.store import ConflictError, NotFoundError, SearchClosedError, StaleAttemptError, Store, TrialRecord
from search_spaces.dense_cell.architecture import AtrousSeparable, Branch, Conv1x1, DenseCell
from search_spaces.document import Architecture
from tests.builders import ENVIRONMENT

HERE = ENVIRONMENT.key
"""The environment of what the tests measure."""


@pytest.fixture
def begun(store: Store, spec) -> Callable[[], str]:
    """A new search, driven by attempt 1."""

    def begin() -> str:
        search, _ = store.create_search(spec)
        return search.id if store.begin_driver(search.id) == 1 else ""

    return begin


@pytest.fixture
def source(store: Store, driven: str, spec, cells, measured) -> str:
    """A search whose trial 0 has measured cell 0 with seed 7 at two rungs and is completed."""
    store.add_trial(driven, 1, Proposal(0, cells[0], spec.fidelity, 7))
    store.record_measurement(driven, 0, 1, measured(100, 0.25, parameters=1000, multiply_adds=9_000_000_000))
    store.record_measurement(
        driven, 0, 1, measured(300, 0.5, seconds=7.0, device_seconds=3.5, parameters=1000, multiply_adds=9_000_000_000)
    )
    store.finish_trial(driven, 0, 1, T.COMPLETED)
    return driven


def adopt(
    store: Store,
    search: str,
    number: int,
    content: tuple[Architecture, Fidelity, int],
    source: tuple[str, int],
    *,
    attempt: int = 1,
) -> TrialRecord:
    return store.adopt_trial(search, attempt, Proposal(number, *content), *source)


def test_costs_of_the_network_are_recorded_with_the_deepest_rung(store: Store, driven: str, add, measured):
    add(driven, 0)
    assert (store.get_trial(driven, 0).parameters, store.get_trial(driven, 0).multiply_adds) == (None, None)
    points = [measured(100), measured(300, parameters=2**40, multiply_adds=2**62)]
    for point in points:
        store.record_measurement(driven, 0, 1, point)
    trial = store.get_trial(driven, 0)
    assert (trial.parameters, trial.multiply_adds, trial.source) == (2**40, 2**62, None)
    assert store.curve(driven, 0) == points


def test_an_adopted_trial_is_completed_with_the_numbers_of_its_source(store: Store, source: str, begun, spec, cells):
    mine, original = begun(), store.get_trial(source, 0)
    adopted = adopt(store, mine, 5, (cells[0], spec.fidelity, 7), (source, 0))
    assert adopted == store.get_trial(mine, 5)
    assert (adopted.number, adopted.attempt, adopted.status, adopted.reason) == (5, 1, T.COMPLETED, None)
    assert adopted.source == f"{source}/0"
    for name in ("architecture", "architecture_key", "fidelity_key", "seed", "score", "iteration", "seconds"):
        assert getattr(adopted, name) == getattr(original, name)
    assert (adopted.device_seconds, adopted.parameters, adopted.multiply_adds) == (3.5, 1000, 9_000_000_000)
    assert adopted.created_at == adopted.updated_at == adopted.finished_at
    assert original.finished_at is not None
    assert adopted.created_at > original.finished_at
    assert store.curve(mine, 5) == store.curve(source, 0)
    assert store.get_trial(source, 0) == original
    assert store.best_trial(mine) == adopted
    assert [change.trial for change in store.changed_trials(mine)] == [adopted]


def test_adopting_again_meets_the_recorded_trial(store: Store, source: str, begun, spec, cells):
    mine, content = begun(), (cells[0], spec.fidelity, 7)
    first = adopt(store, mine, 0, content, (source, 0))
    assert adopt(store, mine, 0, content, (source, 0)) == first
    assert store.add_trial(mine, 1, Proposal(0, *content)) == first
    assert store.all_trials(mine) == [first]
    assert len(store.curve(mine, 0)) == 2


def test_a_trial_that_runs_is_not_replaced_by_an_adopted_one(store: Store, source: str, begun, spec, cells):
    mine, content = begun(), (cells[0], spec.fidelity, 7)
    running = store.add_trial(mine, 1, Proposal(0, *content))
    assert adopt(store, mine, 0, content, (source, 0)) == running
    assert store.curve(mine, 0) == []


def test_an_adopted_trial_never_changes(store: Store, source: str, begun, spec, cells, measured):
    mine = begun()
    adopted = adopt(store, mine, 0, (cells[0], spec.fidelity, 7), (source, 0))
    with pytest.raises(StaleAttemptError):
        store.begin_attempt(mine, 0)
    with pytest.raises(StaleAttemptError):
        store.record_measurement(mine, 0, 1, measured(900))
    store.record_measurement(mine, 0, 1, measured(300, 0.9))  # a rung that is recorded
    store.finish_trial(mine, 0, 1, T.COMPLETED)
    store.finish_search(mine, 1, SearchStatus.STOPPED)
    assert store.get_trial(mine, 0) == adopted


def test_an_equal_architecture_is_adopted_however_it_is_written(store: Store, driven: str, begun, spec, measured):
    one, other = Branch(input=-1, operator=Conv1x1()), Branch(input=-1, operator=AtrousSeparable(rate=(6, 3)))
    first, second = DenseCell(branches=(one, other)), DenseCell(branches=(other, one))
    original = store.add_trial(driven, 1, Proposal(0, first, spec.fidelity, 0))
    store.record_measurement(driven, 0, 1, measured())
    store.finish_trial(driven, 0, 1, T.COMPLETED)
    adopted = adopt(store, begun(), 0, (second, spec.fidelity, 0), (driven, 0))
    assert adopted.architecture == original.architecture


def test_the_source_is_always_one_that_ran(store: Store, source: str, begun, spec, cells):
    mine, content = begun(), (cells[0], spec.fidelity, 7)
    adopt(store, mine, 3, content, (source, 0))
    assert adopt(store, begun(), 4, content, (mine, 3)).source == f"{source}/0"


def test_a_search_adopts_from_itself(store: Store, source: str, spec, cells):
    assert adopt(store, source, 9, (cells[0], spec.fidelity, 7), (source, 0)).source == f"{source}/0"
    assert [trial.number for trial in store.all_trials(source)] == [0, 9]


def test_only_the_same_content_is_adopted(store: Store, source: str, begun, spec, cells):
    mine = begun()
    longer = spec.fidelity.model_copy(update={"rungs": (100, 300, 900)})
    for content in ((cells[1], spec.fidelity, 7), (cells[0], longer, 7), (cells[0], spec.fidelity, 8)):
        with pytest.raises(ConflictError, match=f"trial 0 of search {source} cannot be adopted .* other content"):
            adopt(store, mine, 0, content, (source, 0))
    assert store.all_trials(mine) == []


@pytest.mark.parametrize("end", [None, *(status for status in T if status.terminal and status is not T.COMPLETED)])
def test_only_a_completed_trial_is_adopted(store: Store, driven: str, begun, spec, cells, measured, end: T | None):
    store.add_trial(driven, 1, Proposal(0, cells[0], spec.fidelity, 7))
    store.record_measurement(driven, 0, 1, measured(300))
    if end is not None:
        store.finish_trial(driven, 0, 1, end)
    mine = begun()
    with pytest.raises(ConflictError, match=f"it is {end or T.RUNNING}, not completed"):
        adopt(store, mine, 0, (cells[0], spec.fidelity, 7), (driven, 0))
    assert store.all_trials(mine) == []
    assert store.find_measured(cells[0].key, spec.fidelity.key, 7, HERE) is None


def test_a_number_is_bound_to_its_content(store: Store, source: str, begun, spec, cells):
    mine = begun()
    recorded = store.add_trial(mine, 1, Proposal(0, cells[1], spec.fidelity, 7))
    with pytest.raises(ConflictError, match=r"trial 0 .* other content"):
        adopt(store, mine, 0, (cells[0], spec.fidelity, 7), (source, 0))
    assert store.all_trials(mine) == [recorded]


def test_what_is_unknown_is_not_found(store: Store, source: str, begun, spec, cells):
    content = (cells[0], spec.fidelity, 7)
    with pytest.raises(NotFoundError, match="no search 's0'"):
        adopt(store, "s0", 0, content, (source, 0))
    mine = begun()
    for unknown in (("s0", 0), (source, 1)):
        with pytest.raises(NotFoundError, match=f"no trial {unknown[1]} of search '{unknown[0]}' to adopt"):
            adopt(store, mine, 0, content, unknown)


def test_a_replaced_driver_adopts_nothing(store: Store, source: str, begun, spec, cells):
    mine, content = begun(), (cells[0], spec.fidelity, 7)
    store.requeue_search(mine, 1, 0.0, "lost")
    with pytest.raises(StaleAttemptError):
        adopt(store, mine, 0, content, (source, 0))
    assert store.begin_driver(mine) == 2
    with pytest.raises(StaleAttemptError):
        adopt(store, mine, 0, content, (source, 0))
    assert adopt(store, mine, 0, content, (source, 0), attempt=2).status is T.COMPLETED
    store.move_search(mine, [SearchStatus.STARTING], SearchStatus.STOPPING)
    with pytest.raises(SearchClosedError):
        adopt(store, mine, 1, content, (source, 0), attempt=2)
    assert [trial.number for trial in store.all_trials(mine)] == [0]


def test_what_was_measured_is_found_in_any_search(store: Store, source: str, begun, spec, cells):
    original = store.get_trial(source, 0)
    key, fidelity = cells[0].key, spec.fidelity.key
    assert store.find_measured(key, fidelity, 7, HERE) == (source, original)
    for other in (
        (cells[1].key, fidelity, 7, HERE),
        (key, "0" * 64, 7, HERE),
        (key, fidelity, 8, HERE),
        (key, fidelity, 7, "0" * 64),
    ):
        assert store.find_measured(*other) is None
    adopt(store, begun(), 0, (cells[0], spec.fidelity, 7), (source, 0))
    assert store.find_measured(key, fidelity, 7, HERE) == (source, original)


@pytest.mark.parametrize("deepest", [None, ENVIRONMENT.model_copy(update={"threads": 2})])
def test_the_environment_of_the_deepest_rung_decides(store: Store, driven: str, spec, cells, measured, deepest):
    """A trial whose process died may go on elsewhere: its score is then of that place, or of none that is known."""
    store.add_trial(driven, 1, Proposal(0, cells[0], spec.fidelity, 7))
    store.record_measurement(driven, 0, 1, measured(100))
    store.record_measurement(driven, 0, 1, measured(300, environment=deepest))
    store.finish_trial(driven, 0, 1, T.COMPLETED)
    assert store.find_measured(cells[0].key, spec.fidelity.key, 7, HERE) is None
    assert [point.environment for point in store.curve(driven, 0)] == [ENVIRONMENT, deepest]
    if deepest is not None:
        assert store.find_measured(cells[0].key, spec.fidelity.key, 7, deepest.key) is not None


def test_the_oldest_that_ran_is_found(store: Store, begun, spec, cells, measured):
    searches = [begun(), begun(), begun()]
    content = (cells[0], spec.fidelity, 7)
    for search in searches:
        store.add_trial(search, 1, Proposal(0, *content))
    for search in searches[::-1]:  # completed in another order than begun
        store.record_measurement(search, 0, 1, measured(300))
        store.finish_trial(search, 0, 1, T.FAILED if search == searches[0] else T.COMPLETED)
    found = store.find_measured(cells[0].key, spec.fidelity.key, 7, HERE)
    assert found == (searches[1], store.get_trial(searches[1], 0))


def test_what_was_measured_is_found_within_some_searches(store: Store, begun, spec, cells, measured):
    searches = [begun(), begun(), begun()]
    for search in searches:
        store.add_trial(search, 1, Proposal(0, cells[0], spec.fidelity, 7))
        store.record_measurement(search, 0, 1, measured(300))
        store.finish_trial(search, 0, 1, T.COMPLETED)
    content = (cells[0].key, spec.fidelity.key, 7, HERE)
    for within, found in ((searches[1:], 1), ({searches[2]}, 2), (searches, 0), (None, 0)):
        assert store.find_measured(*content, within=within) == (searches[found], store.get_trial(searches[found], 0))
    assert store.find_measured(*content, within=["s0"]) is store.find_measured(*content, within=[]) is None


def test_a_source_that_is_completed_meanwhile_is_adopted(
    store: Store, url: str, driven: str, begun, spec, cells, measured
):
    """Completed by another process right after the statement that found it running."""
    if url.startswith("sqlite"):
        pytest.skip("on SQLite nobody writes during another's transaction")
    mine, content = begun(), (cells[0], spec.fidelity, 7)
    store.add_trial(driven, 1, Proposal(0, *content))
    store.record_measurement(driven, 0, 1, measured(300))
    with Store.open(url) as another:

        def complete(_connection, _cursor, statement: str, *_: object) -> None:
            if statement.startswith("INSERT INTO trials"):
                another.finish_trial(driven, 0, 1, T.COMPLETED)

        event.listen(store._engine, "after_cursor_execute", complete)
        adopted = adopt(store, mine, 0, content, (driven, 0))
        event.remove(store._engine, "after_cursor_execute", complete)
    assert (adopted.source, adopted.status) == (f"{driven}/0", T.COMPLETED)
    assert store.curve(mine, 0) == store.curve(driven, 0)
