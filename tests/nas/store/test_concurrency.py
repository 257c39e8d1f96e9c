"""Many at once, each with a store of its own: exactly one wins every race, and nothing is lost or doubled."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.store import ConflictError, StaleAttemptError, Store

pytestmark = pytest.mark.slow

WRITERS = 8
S, T = SearchStatus, TrialStatus


@pytest.fixture
def race(url: str) -> Callable[[Callable[[Store, int], Any]], list[Any]]:
    """Run `action(store, i)` in 8 threads that start together; what each returned, or its ConflictError."""

    def run(action: Callable[[Store, int], Any]) -> list[Any]:
        barrier = threading.Barrier(WRITERS)

        def runner(index: int) -> Any:
            with Store.open(url) as store:
                store.overview("s0")  # connected before the start
                barrier.wait()
                try:
                    return action(store, index)
                except ConflictError as error:
                    return error

        with ThreadPoolExecutor(WRITERS) as pool:
            return list(pool.map(runner, range(WRITERS)))

    return run


def test_one_key_makes_one_search(store: Store, race, spec):
    answers = race(lambda mine, _: mine.create_search(spec, "key"))
    assert len({record.id for record, _ in answers}) == 1
    assert Counter(created for _, created in answers) == {True: 1, False: WRITERS - 1}
    assert len(store.list_searches().items) == 1


def test_one_key_with_two_specs_makes_one_search(store: Store, race, spec):
    specs = [spec.model_copy(update={"seed": i % 2}) for i in range(WRITERS)]
    answers = race(lambda mine, i: mine.create_search(specs[i], "key"))
    (kept,) = store.list_searches().items
    for i, answer in enumerate(answers):
        assert isinstance(answer, ConflictError) == (specs[i] != kept.spec)


def test_one_driver_begins(store: Store, race, spec):
    search, _ = store.create_search(spec)
    answers = race(lambda mine, _: mine.begin_driver(search.id))
    assert Counter(map(str, answers))["1"] == 1
    assert sum(isinstance(answer, ConflictError) for answer in answers) == WRITERS - 1
    assert store.get_search(search.id).attempt == 1


def test_one_end_holds(store: Store, race, driven: str):
    ends = [S.COMPLETED, S.FAILED, S.STOPPED]
    answers = race(lambda mine, i: mine.move_search(driven, [S.RUNNING], ends[i % 3], message=str(i)))
    assert sum(answers) == 1
    over = store.get_search(driven)
    winner = answers.index(True)
    assert (over.status, over.message) == (ends[winner % 3], str(winner))


def test_one_owner_takes_the_lease(store: Store, race, driven: str):
    seen = store.leases()[driven]
    assert sum(race(lambda mine, i: mine.take_lease(driven, f"owner {i}", seen))) == 1
    assert store.leases()[driven].beat == seen.beat + 1


def test_one_architecture_takes_a_number(store: Store, race, driven: str, spec, cells):
    answers = race(lambda mine, i: mine.add_trial(driven, 1, Proposal(0, cells[i], spec.fidelity, 0)))
    winners = [answer for answer in answers if not isinstance(answer, ConflictError)]
    assert len(winners) == 1
    assert store.all_trials(driven)[0].architecture_key == winners[0].architecture_key


def test_a_trial_is_adopted_once(store: Store, race, driven: str, spec, cells, measured):
    store.add_trial(driven, 1, Proposal(0, cells[0], spec.fidelity, 0))
    store.record_measurement(driven, 0, 1, measured(100))
    store.record_measurement(driven, 0, 1, measured(300))
    store.finish_trial(driven, 0, 1, T.COMPLETED)
    answers = race(lambda mine, _: mine.adopt_trial(driven, 1, Proposal(1, cells[0], spec.fidelity, 0), driven, 0))
    assert answers == [store.get_trial(driven, 1)] * WRITERS
    assert store.curve(driven, 1) == store.curve(driven, 0)
    assert store.overview(driven).cost.adopted == 1


def test_nothing_is_lost_or_doubled_when_all_write(store: Store, race, driven: str, spec, cells, measured):
    """Architectures are shared between the writers, so they meet in that table too."""

    def work(mine: Store, index: int) -> None:
        for step in range(10):
            number = index * 10 + step
            mine.add_trial(driven, 1, Proposal(number, cells[step % 3], spec.fidelity, number))
            mine.record_measurement(driven, number, 1, measured(100, step / 10))
            mine.record_measurement(driven, number, 1, measured(300, step / 20))
            mine.finish_trial(driven, number, 1, T.COMPLETED)

    assert race(work) == [None] * WRITERS
    trials = store.all_trials(driven)
    assert [trial.number for trial in trials] == list(range(WRITERS * 10))
    assert all(trial.status is T.COMPLETED and trial.iteration == 300 for trial in trials)
    assert [len(curve) for curve in store.measurements(driven).values()] == [2] * len(trials)


def test_one_measurement_of_a_rung_is_kept(store: Store, race, driven: str, add, measured):
    add(driven, 0)
    assert race(lambda mine, i: mine.record_measurement(driven, 0, 1, measured(100, i / 10))) == [None] * WRITERS
    (point,) = store.curve(driven, 0)
    assert store.get_trial(driven, 0).score == point.score


def test_measurements_in_any_order_end_with_the_deepest(store: Store, race, driven: str, add, measured):
    add(driven, 0)
    race(lambda mine, i: mine.record_measurement(driven, 0, 1, measured(100 * (i + 1), i / 10)))
    trial = store.get_trial(driven, 0)
    assert (trial.iteration, trial.score) == (100 * WRITERS, (WRITERS - 1) / 10)
    assert len(store.curve(driven, 0)) == WRITERS


@pytest.mark.parametrize("driver_attempt", [None, 1])
def test_every_attempt_has_its_own_number(store: Store, race, driven: str, add, driver_attempt: int | None):
    """With a driver's attempt the transaction reads before it writes: what a lock upgrade would break."""
    add(driven, 0)
    answers = race(lambda mine, _: [mine.begin_attempt(driven, 0, driver_attempt) for _ in range(10)])
    assert sorted(number for numbers in answers for number in numbers) == list(range(2, WRITERS * 10 + 2))


def test_one_end_of_a_trial_holds(store: Store, race, driven: str, add, measured):
    add(driven, 0)
    store.record_measurement(driven, 0, 1, measured())
    ends = [T.COMPLETED, T.PRUNED, T.FAILED, T.STOPPED]
    answers = race(lambda mine, i: mine.finish_trial(driven, 0, 1, ends[i % 4], str(i)))
    over = store.get_trial(driven, 0)
    for i, answer in enumerate(answers):
        # Who brings the end that holds is told nothing; who brings another is refused.
        assert isinstance(answer, StaleAttemptError) == (ends[i % 4] is not over.status)
    assert ends[int(str(over.reason)) % 4] is over.status


def test_a_new_driver_finds_all_that_the_old_one_will_ever_have_added(store: Store, url: str, driven: str, spec, cells):
    """The old driver adds trials as fast as it can; after the next has begun, none of them can appear."""
    added: list[int] = []

    def old_driver() -> None:
        with Store.open(url) as mine:
            for number in range(10_000):
                try:
                    mine.add_trial(driven, 1, Proposal(number, cells[number % len(cells)], spec.fidelity, 0))
                except StaleAttemptError:
                    return
                added.append(number)

    thread = threading.Thread(target=old_driver)
    thread.start()
    while len(added) < 20:
        pass
    assert store.requeue_search(driven, 1, 0.0, "lost")
    assert store.begin_driver(driven) == 2
    found = [trial.number for trial in store.all_trials(driven)]
    thread.join()
    assert [trial.number for trial in store.all_trials(driven)] == found == added


def test_a_search_that_ends_has_no_trial_in_flight(store: Store, url: str, driven: str, spec, cells):
    """The driver adds trials as fast as it can while the controller ends the search."""

    def driver() -> int:
        with Store.open(url) as mine:
            for number in range(10_000):
                try:
                    mine.add_trial(driven, 1, Proposal(number, cells[number % len(cells)], spec.fidelity, 0))
                except StaleAttemptError:
                    return number
        raise AssertionError("the search never ended")

    with ThreadPoolExecutor(1) as pool:
        count = pool.submit(driver)
        while store.overview(driven).trials[T.RUNNING] < 20:
            pass
        assert store.move_search(driven, [S.RUNNING], S.FAILED)
        assert store.overview(driven).trials[T.RUNNING] == 0
        assert store.overview(driven).trials[T.STOPPED] == count.result()
