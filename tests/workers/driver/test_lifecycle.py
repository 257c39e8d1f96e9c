"""Searches that are stopped, resumed, extended, warm-started, or adopt: the driver's book, without Ray."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas.kinds.extension import extended
from nas.kinds.registry import kind_of
from nas.kinds.warm_start import warm_observations
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec, DpcStrategy, RandomStrategy
from nas.store import Store
from nas.training.workspace import Workspace
from tests.workers.driver.toy import begin, drive, launch, measure, message, rows, run_trial
from workers.driver.record import DriverRecord
from workers.driver.run import measured_before
from workers.driver.trial_book import TrialBook

S, T = SearchStatus, TrialStatus
DPC = DpcStrategy(startup=4, pool=2, near_best=0.75)


def create(store: Store, spec: BlackBoxSpec) -> str:
    return store.create_search(spec)[0].id


def quiet(_: str) -> None:
    """Nothing happens in between."""


def results(store: Store, search_id: str) -> list[tuple[object, ...]]:
    return [row[:6] for row in rows(store, search_id)]


def stop_and_resume(store: Store, search_id: str) -> None:
    store.finish_search(search_id, store.get_search(search_id).attempt, S.STOPPED)
    store.resume_search(search_id)


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("strategy", [RandomStrategy(), DPC])
def test_ten_trials_extended_to_twenty_are_twenty_at_once(store, spec_of, strategy, early_stopping):
    changes = {"strategy": strategy} | ({} if early_stopping else {"early_stopping": None})
    short, straight = create(store, spec_of(trials=10, **changes)), create(store, spec_of(trials=20, **changes))
    drive(store, short)
    first = results(store, short)
    spec = store.get_search(short).spec
    store.extend_search(short, spec, extended(spec, {"trials": 20}))
    drive(store, short)
    drive(store, straight)
    assert results(store, short)[:10] == first
    assert results(store, short) == results(store, straight)
    assert store.get_search(short).status is S.COMPLETED
    assert store.get_search(short).stage.total == 20


@pytest.mark.slow
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.lists(st.integers(0, 3), max_size=3), strategy=st.sampled_from([RandomStrategy(), DPC]))
def test_a_search_that_was_stopped_again_and_again_ends_as_one_that_was_not(store, spec_of, stops, strategy):
    """Stopped after so many events of a trial: what is measured stays, what was broken off is measured to its end."""
    spec = spec_of(strategy=strategy, trials=6)
    search_id, straight = create(store, spec), create(store, spec)
    drive(store, straight)
    for events in stops:
        book = begin(store, search_id)
        for _ in range(events):
            task = book.launch()
            if task is None:
                break
            run_trial(book, task, quiet)
        if (task := book.launch()) is not None:
            reached = message(measure(task.architecture, 10), task.attempt)
            continues = book.should_continue(task.number, reached)
            book.record(task.number, reached)
            if not continues:
                book.end(task.number)
        stop_and_resume(store, search_id)
    drive(store, search_id)
    assert [row[1:5] for row in results(store, search_id)] == [row[1:5] for row in results(store, straight)]


def test_a_stopped_trial_goes_on_first_as_a_new_attempt_and_a_finished_one_never(store, spec_of):
    search_id = create(store, spec_of(trials=3, early_stopping=None))
    book = begin(store, search_id)
    run_trial(book, launch(book), quiet)
    second = launch(book)
    book.record(1, message(measure(second.architecture, 10)))
    before = store.get_trial(search_id, 0), store.curve(search_id, 1)
    stop_and_resume(store, search_id)
    assert store.get_trial(search_id, 1).status is T.STOPPED
    book = begin(store, search_id)
    task = launch(book)
    assert (task.number, task.attempt, task.architecture) == (1, 2, second.architecture)
    assert task.checkpoint == second.checkpoint
    assert store.get_trial(search_id, 1).status is T.RUNNING
    run_trial(book, task, quiet)
    run_trial(book, launch(book), quiet)
    assert book.launch() is None
    assert book.conclude() is S.COMPLETED
    assert (store.get_trial(search_id, 0), store.curve(search_id, 1)[:1]) == before


def test_a_trial_that_had_reached_its_last_rung_when_it_was_stopped_is_completed(store, spec_of):
    search_id = create(store, spec_of(trials=1, early_stopping=None))
    book = begin(store, search_id)
    task = launch(book)
    for rung in task.fidelity.rungs:
        book.record(0, message(measure(task.architecture, rung)))
    stop_and_resume(store, search_id)
    book = begin(store, search_id)
    assert book.exhausted
    assert book.conclude() is S.COMPLETED
    assert store.get_trial(search_id, 0).status is T.COMPLETED


def test_failed_trials_are_measured_when_they_are_tried_again(store, spec_of):
    search_id = create(store, spec_of(trials=2, early_stopping=None))
    book = begin(store, search_id)
    book.end(launch(book).number, "no memory")
    run_trial(book, launch(book), quiet)
    book.conclude()
    store.resume_search(search_id, retry_failed=True)
    book = begin(store, search_id)
    task = launch(book)
    assert (task.number, task.attempt) == (0, 2)
    run_trial(book, task, quiet)
    assert book.conclude() is S.COMPLETED
    assert [trial.status for trial in store.all_trials(search_id)] == [T.COMPLETED, T.COMPLETED]
    assert store.get_trial(search_id, 0).reason is None


def adopting(store: Store, search_id: str) -> TrialBook:
    """The book of a search whose trials would be measured where the builder's measurements were made."""
    attempt = store.begin_driver(search_id)
    driver = DriverRecord(store, store.get_search(search_id), attempt)
    plan = kind_of(driver.spec).plan(driver.spec, search_id, driver.records)
    found = measured_before(driver, lambda _fidelity: HERE)
    book = TrialBook(driver, plan, Workspace({}, {}, Path("cache"), Path("artifacts")), found)
    driver.start()
    book.replay()
    return book


HERE = "here"
"""The key of the environment that the fixture below gives to all measurements."""


@pytest.fixture
def measured_here(store, spec_of):
    """A completed search without early stopping, whose measurements are of the environment HERE."""
    from sqlalchemy import update

    from nas.store.tables import MeasurementRow

    search_id = create(store, spec_of(trials=8, early_stopping=None))
    drive(store, search_id)
    with store._write() as connection:
        connection.execute(update(MeasurementRow).values(environment_key=HERE))
    return search_id


@pytest.mark.parametrize("strategy", [RandomStrategy(), DPC])
def test_an_adopting_search_is_the_search_that_trains(store, spec_of, measured_here, strategy):
    """Early stopping and strategy see adopted trials as trained ones, so 12 trials end the same, some for nothing."""
    trained, cheap = create(store, spec_of(strategy=strategy)), create(store, spec_of(strategy=strategy, adopt=True))
    drive(store, trained)
    book = adopting(store, cheap)
    ran = []
    while (task := book.launch()) is not None:
        ran.append(task.number)
        run_trial(book, task, quiet)
    assert book.conclude() is S.COMPLETED
    assert [row[1:6] for row in rows(store, cheap)] == [row[1:6] for row in rows(store, trained)]
    adopted = {trial.number: trial.source for trial in store.all_trials(cheap) if trial.source}
    assert len(adopted) + len(ran) == 12
    assert all(adopted[number] == f"{measured_here}/{number}" for number in range(4))  # the start is uniform in both
    assert TrialStatus.PRUNED in {store.get_trial(cheap, number).status for number in adopted}
    assert store.overview(cheap).cost.adopted == len(adopted)


def test_without_asking_nothing_is_adopted_and_only_from_the_searches_named(store, spec_of, measured_here):
    plain = create(store, spec_of())
    assert adopting(store, plain).launch() is not None
    elsewhere = create(store, spec_of(adopt=("s000000000000",)))
    assert launch(adopting(store, elsewhere)).number == 0
    there = create(store, spec_of(adopt=(measured_here,)))
    assert launch(adopting(store, there)).number == 8


@pytest.mark.parametrize("strategy", [RandomStrategy(), DPC])
def test_a_warm_start_proposes_new_architectures_and_restores_to_the_same(store, spec_of, strategy):
    source = create(store, spec_of())
    drive(store, source)
    spec = spec_of(strategy=strategy, warm_start=(source,), seed=1)
    straight, resumed = create(store, spec), create(store, spec)
    drive(store, straight)
    book = begin(store, resumed)
    for _ in range(5):
        run_trial(book, launch(book), quiet)
    stop_and_resume(store, resumed)
    # What the source measures from now on is not known to a search that was created before.
    longer = extended(store.get_search(source).spec, {"trials": 15})
    store.extend_search(source, store.get_search(source).spec, longer)
    drive(store, source)
    drive(store, resumed)
    known = {trial.architecture_key for trial in store.all_trials(source)[:12]}
    assert not known & {trial.architecture_key for trial in store.all_trials(straight)}
    assert results(store, resumed) == results(store, straight)
    assert len(store.all_trials(straight)) == 12


def test_a_warm_started_dpc_search_is_near_the_best_from_its_first_trial(store, spec_of):
    """All of 4 uniform trials are known already, and mutation is certain: the child is nearly the best known cell."""
    source = create(store, spec_of(trials=4, early_stopping=None))
    drive(store, source)
    near = DpcStrategy(startup=4, pool=1, near_best=1.0)
    warm = create(store, spec_of(trials=1, strategy=near, warm_start=(source,), seed=9))
    drive(store, warm)
    best = store.best_trial(source).architecture
    (trial,) = store.all_trials(warm)
    operators = [Counter(branch.operator for branch in cell.branches) for cell in (trial.architecture, best)]
    cold = create(store, spec_of(trials=1, strategy=near, seed=9))
    drive(store, cold)
    assert (operators[0] & operators[1]).total() >= 4  # of 5: one choice was changed
    assert trial.architecture_key != store.all_trials(cold)[0].architecture_key


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
def test_a_warm_start_knows_what_its_source_had_measured_whatever_the_clock_says(store, spec_of, monkeypatch, step):
    source = create(store, spec_of())
    drive(store, source)
    clock = store._clock
    monkeypatch.setattr(store, "_clock", lambda: clock() + step)
    warm = create(store, spec_of(warm_start=(source,), start=(source,)))
    monkeypatch.setattr(store, "_clock", lambda: clock() + 2 * step)
    longer = extended(store.get_search(source).spec, {"trials": 15})
    store.extend_search(source, store.get_search(source).spec, longer)
    drive(store, source)
    spec = store.get_search(warm).spec
    known = {trial.architecture_key for trial in store.all_trials(source)[:12]}
    observations = warm_observations(spec, warm, store)
    assert {observation.architecture.key for observation in observations} == known
