"""Plans of searches whose trials are known from the start, and what is taken over instead of run."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.kinds.calibration import calibration_sample, calibration_trials
from nas.kinds.plans import Need
from nas.kinds.reference import reference_trials
from nas.kinds.registry import kind_of
from nas.results.measurement import Measurement
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import CalibrationSpec, DenseCellSpace, Fidelity, FullScaleSpec, ReferenceSpec
from nas.store import Store
from nas.training.workspace import Workspace
from search_spaces import Environment, ReferenceHead
from tests.builders import ENVIRONMENT, measured
from workers.driver.record import DriverRecord
from workers.driver.run import measured_before
from workers.driver.trial_book import TrialBook
from workers.trainables.message import Measured
from workers.trainables.task import TrialTask

CHEAP, DEAR, FULL = (Fidelity(dataset="tiny", rungs=rungs) for rungs in ((10,), (20,), (40, 80)))
HEADS = (ReferenceHead(name="conv1x1"), ReferenceHead(name="ppm"))


def message(rung: int, score: float) -> Measured[Measurement]:
    """What a trial's process sends at a rung."""
    return Measured(attempt=1, result=measured(rung, score, environment=ENVIRONMENT), last=rung in {10, 20, 80})


def plan_of(driver: DriverRecord):
    return kind_of(driver.spec).plan(driver.spec, driver.search_id, driver.records)


def begin(store: Store, spec, parent: str | None = None) -> DriverRecord:
    search = store.create_search(spec, parent=parent)[0]
    driver = DriverRecord(store, store.get_search(search.id), store.begin_driver(search.id))
    driver.start()
    return driver


def open_book(driver: DriverRecord, environment: Environment = ENVIRONMENT) -> TrialBook:
    workspace = Workspace({}, {}, Path("cache"), Path("artifacts"))
    trial_book = TrialBook(driver, plan_of(driver), workspace, measured_before(driver, lambda _: environment.key))
    trial_book.replay()
    return trial_book


def launch(trial_book: TrialBook) -> TrialTask:
    """The next trial, where one must be left."""
    task = trial_book.launch()
    assert task is not None
    return task


def run_all(trial_book: TrialBook, fail: int | None = None) -> list[int]:
    """The trials that had to be run; each scores its number / 100."""
    ran = []
    while (task := trial_book.launch()) is not None:
        ran.append(task.number)
        if task.number == fail:
            trial_book.end(task.number, "unlucky")
            continue
        for rung in task.fidelity.rungs:
            trial_book.record(task.number, message(rung, task.number / 100))
        trial_book.end(task.number)
    return ran


def test_a_reference_search_takes_every_head_with_one_seed_before_the_next():
    spec = ReferenceSpec(name="heads", heads=HEADS, seeds=3, fidelity=CHEAP, seed=5)
    trials = list(reference_trials(spec))
    one, other = HEADS
    assert [(trial.number, trial.architecture, trial.seed) for trial in trials] == [
        (0, one, 5),
        (1, other, 5),
        (2, one, 6),
        (3, other, 6),
        (4, one, 7),
        (5, other, 7),
    ]
    assert spec.planned == len(trials)


def test_a_calibration_measures_the_same_architectures_cheap_ones_first(store):
    spec = CalibrationSpec(
        name="proxies", architectures=4, proxies={"cheap": CHEAP, "dear": DEAR}, full_scale=FULL, seeds=2, seed=3
    )
    sample, trials = calibration_sample(spec), list(calibration_trials(spec))
    assert len({architecture.key for architecture in sample}) == 4
    assert spec.planned == len(trials) == 16
    assert [trial.number for trial in trials] == list(range(16))
    assert [trial.fidelity for trial in trials] == [CHEAP] * 4 + [DEAR] * 4 + [FULL] * 8
    assert [trial.seed for trial in trials] == [3] * 12 + [4] * 4
    assert all(trial.architecture == sample[trial.number % 4] for trial in trials)
    assert list(plan_of(begin(store, spec)).needs) == [Need(CHEAP), Need(DEAR), Need(FULL)]


def test_a_small_space_gives_what_it_has():
    spec = CalibrationSpec(
        name="all", space=DenseCellSpace(branches=1), architectures=200, proxies={"cheap": CHEAP}, full_scale=FULL
    )
    assert len(calibration_sample(spec)) == 81


def test_full_scale_measures_the_chosen_ones_and_nothing_twice(store, spec_of):
    search = begin(store, spec_of(trials=4, early_stopping=None, fidelity=CHEAP))
    run_all(open_book(search))

    def full_scale(trials, seeds=1) -> tuple[DriverRecord, list[int]]:
        spec = FullScaleSpec(
            name="full", of=search.search_id, sampling="explicit", trials=trials, seeds=seeds, fidelity=FULL
        )
        driver = begin(store, spec, parent=search.search_id)
        trial_book = open_book(driver)
        ran = run_all(trial_book)
        assert trial_book.conclude() is SearchStatus.COMPLETED
        return driver, ran

    first, ran = full_scale((3, 1))
    assert ran == [0, 1]
    chosen = [store.get_trial(search.search_id, number).architecture_key for number in (3, 1)]
    assert [trial.architecture_key for trial in store.all_trials(first.search_id)] == chosen
    second, ran = full_scale((1, 0), seeds=2)
    assert ran == [1, 2, 3]  # trial 1 with the first seed was measured by the sibling
    adopted = store.get_trial(second.search_id, 0)
    assert (adopted.source, adopted.status, adopted.score) == (
        f"{first.search_id}/1",
        TrialStatus.COMPLETED,
        0.01,
    )
    assert [point.iteration for point in store.curve(second.search_id, 0)] == [40, 80]
    cost = store.overview(second.search_id).cost
    assert (cost.measured, cost.adopted) == (3, 1)


def test_an_interrupted_list_goes_on_where_it_was(store):
    spec = ReferenceSpec(name="heads", heads=HEADS, seeds=2, fidelity=CHEAP)
    driver = begin(store, spec)
    trial_book = open_book(driver)
    first, second = launch(trial_book), launch(trial_book)
    assert (first.number, second.number) == (0, 1)
    trial_book.record(0, message(10, 0.5))
    trial_book.end(0)
    store.requeue_search(driver.search_id, driver.attempt, 0.0, "the driver died")
    attempt = store.begin_driver(driver.search_id)
    again = DriverRecord(store, store.get_search(driver.search_id), attempt)
    again.start()
    trial_book = open_book(again)
    launched = [launch(trial_book) for _ in range(3)]
    assert [(task.number, task.attempt) for task in launched] == [(1, 2), (2, 1), (3, 1)]
    assert trial_book.launch() is None


@pytest.mark.parametrize(("reuse", "ran"), [(False, list(range(8))), (True, [0, 1, 2, 3, 5])])
def test_a_calibration_takes_over_only_when_told_to(store, reuse, ran):
    """Of the first one's full-scale trials one failed: what failed is tried again."""

    def calibration(proxy: Fidelity, reuse: bool) -> TrialBook:
        spec = CalibrationSpec(name="c", architectures=4, proxies={"p": proxy}, full_scale=FULL, reuse=reuse)
        return open_book(begin(store, spec))

    assert run_all(calibration(CHEAP, reuse=False), fail=5) == list(range(8))
    assert run_all(calibration(DEAR, reuse)) == ran


def test_another_environment_is_another_measurement(store):
    """Trials are measured again where their scores may differ: on another device, with other threads, for instance."""
    here, elsewhere = ENVIRONMENT, ENVIRONMENT.model_copy(update={"threads": 2})

    def calibration(environment: Environment) -> TrialBook:
        spec = CalibrationSpec(name="c", architectures=4, proxies={"p": CHEAP}, full_scale=FULL, reuse=True)
        return open_book(begin(store, spec), environment)

    assert run_all(calibration(here)) == list(range(8))
    assert run_all(calibration(here)) == []
    assert run_all(calibration(elsewhere)) == list(range(8))
