"""Searches in virtual time: exact times by hand, and a slow, literal event list beside the heap."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.kinds.black_box import StrategyPlan
from nas.results.measurement import Measurement
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AshaStopping, DenseCellSpace, DpcStrategy, RandomStrategy, Resources, Strategy, TpeStrategy
from nas.store import Store
from nas.strategies import SuccessiveHalving
from nas.strategies.listed import ListedSpace
from search_spaces.dense_cell.architecture import DenseCell
from tests.builders import black_box_spec, dense_cell, measured, scenes_fidelity
from workers.simulation.simulate import Simulated, VirtualClock, simulate
from workers.trainables.task import TrialTask

Curves = Sequence[Sequence[tuple[float, float]]]
"""Seconds and score at each rung, for each trial by its number."""


def run(store: Store, clock: VirtualClock, curves: Curves, workers: int, reduction: float | None = None):
    """Simulate a search whose trial of each number has this curve; return it and all measurements in their order."""
    rungs = range(1, len(curves[0]) + 1)
    spec = black_box_spec(
        trials=len(curves),
        fidelity=scenes_fidelity(*rungs),
        resources=Resources(concurrent=workers),
        early_stopping=None if reduction is None else AshaStopping(reduction=reduction),
    )

    def curve(task: TrialTask) -> list[Measurement]:
        return [
            measured(rung, score, seconds) for rung, (seconds, score) in zip(rungs, curves[task.number], strict=True)
        ]

    seen: list[tuple[float, int, int, bool]] = []

    def watch(now: float, number: int, measurement: Measurement, ends: bool) -> None:
        seen.append((now, number, measurement.iteration, ends))

    begun = clock.now
    found = simulate(store, clock, spec, StrategyPlan(spec), curve, watch=watch)
    return found, [(now - begun, *rest) for now, *rest in seen]


def test_three_workers_by_hand(store, clock):
    curves = [[(4, 0.5)], [(2, 0.5)], [(6, 0.5)], [(1, 0.5)], [(3, 0.5)]]
    found, seen = run(store, clock, curves, workers=3)
    # 0, 1, 2 begin at 0. At 2 trial 1 ends, 3 begins and ends at 3, where 4 begins. 0 ends at 4; nothing is left.
    assert seen == [(2, 1, 1, True), (3, 3, 1, True), (4, 0, 1, True), (6, 2, 1, True), (6, 4, 1, True)]
    assert found.status is SearchStatus.COMPLETED
    assert (found.seconds, found.device_seconds) == (6, 16)
    trials = store.all_trials(found.search_id)
    begun = trials[0].created_at
    times = [(trial.created_at - begun, (trial.finished_at or 0) - begun) for trial in trials]
    assert times == [(0, 4), (0, 2), (0, 6), (2, 3), (3, 6)]


def test_early_stopping_by_hand(store, clock):
    # reduction 2: at a rung the score must be at least the median of those before.
    curves = [
        [(1, 0.4), (2, 0.5), (4, 0.6)],
        [(1, 0.3), (2, 0.9), (4, 0.9)],
        [(2, 0.5), (3, 0.6), (9, 0.7)],
        [(1, 0.1), (2, 0.2), (4, 0.3)],
    ]
    found, seen = run(store, clock, curves, workers=2, reduction=2)
    assert seen == [
        (1, 0, 1, False),  # the first at the rung
        (1, 1, 1, True),  # 0.3 is below 0.4: its worker begins trial 2 at 1
        (2, 0, 2, False),
        (3, 2, 1, False),  # 0.5 is above the median of 0.3 and 0.4
        (4, 0, 3, True),  # at its last rung; trial 3 begins
        (4, 2, 2, False),  # 0.6 is above 0.5
        (5, 3, 1, True),  # 0.1 is below the median of 0.3, 0.4, 0.5
        (10, 2, 3, True),
    ]
    trials = store.all_trials(found.search_id)
    assert [trial.status for trial in trials] == [
        TrialStatus.COMPLETED,
        TrialStatus.PRUNED,
        TrialStatus.COMPLETED,
        TrialStatus.PRUNED,
    ]
    assert [trial.score for trial in trials] == [0.6, 0.3, 0.7, 0.1]
    assert found.device_seconds == 4 + 1 + 9 + 1
    assert store.odd_totals() == []


def literal(curves: Curves, workers: int, reduction: float) -> list[tuple[Fraction, int, int, bool]]:
    """The same by looking at every worker for every event, in fractions."""
    halving = SuccessiveHalving(range(1, len(curves[0]) + 1), reduction)
    busy: dict[int, tuple[int, Fraction, int]] = {}  # worker: trial, when it began, rungs that it has
    now, launched = Fraction(0), 0
    seen: list[tuple[Fraction, int, int, bool]] = []
    while True:
        for worker in range(workers):
            if worker not in busy and launched < len(curves):
                busy[worker] = (launched, now, 0)
                launched += 1
        if not busy:
            return seen
        due = {
            worker: (began + Fraction(curves[trial][done][0]), trial) for worker, (trial, began, done) in busy.items()
        }
        worker = min(due, key=lambda one: due[one])
        trial, began, done = busy.pop(worker)
        now = due[worker][0]
        last = done + 1 == len(curves[trial])
        ends = last or not halving.record(trial, done + 1, curves[trial][done][1])
        seen.append((now, trial, done + 1, ends))
        if not ends:
            busy[worker] = (trial, began, done + 1)


def increasing(steps: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """Make a curve of steps in quarters of a second, with scores in 64ths: exact in binary."""
    seconds = 0.0
    curve = []
    for step, score in steps:
        seconds += step / 4
        curve.append((seconds, score / 64))
    return curve


@settings(max_examples=25, deadline=None)
@given(
    workers=st.integers(1, 5),
    reduction=st.sampled_from([1.5, 2.0, 3.0, 4.0]),
    steps=st.integers(1, 4).flatmap(
        lambda rungs: st.lists(
            st.lists(st.tuples(st.integers(1, 6), st.integers(0, 64)), min_size=rungs, max_size=rungs),
            min_size=1,
            max_size=20,
        )
    ),
)
def test_every_event_is_that_of_a_literal_simulation(store, clock, workers, reduction, steps):
    curves = [increasing(one) for one in steps]
    found, seen = run(store, clock, curves, workers, reduction)
    assert seen == literal(curves, workers, reduction)
    assert found.seconds == seen[-1][0]


def cells_space(count: int) -> ListedSpace:
    return ListedSpace.of(DenseCellSpace(), (dense_cell(number) for number in range(count)))


def search(store: Store, clock: VirtualClock, strategy: Strategy, seed: int, workers: int) -> list[dict[str, Any]]:
    """A search over listed cells whose scores follow from the cell; return its trials without the times of day."""
    space = cells_space(12)
    spec = black_box_spec(
        strategy, trials=20, seed=seed, resources=Resources(concurrent=workers), early_stopping=AshaStopping()
    )

    def curve(task: TrialTask) -> list[Measurement]:
        rng = random.Random(task.architecture.key)
        last, seconds = rng.random(), rng.randint(1, 9)
        return [measured(100, last / 2, seconds), measured(300, last, 3 * seconds)]

    found: Simulated = simulate(store, clock, spec, StrategyPlan(spec, space=space), curve)
    return [
        {"cell": trial.architecture_key, "score": trial.score, "status": trial.status, "seconds": trial.seconds}
        for trial in store.all_trials(found.search_id)
    ]


@pytest.mark.parametrize("strategy", [RandomStrategy(), DpcStrategy(startup=3), TpeStrategy(startup=3)])
@pytest.mark.parametrize("workers", [1, 3])
def test_equal_searches_are_equal_and_stay_in_the_list(store, clock, strategy, workers):
    first = search(store, clock, strategy, 0, workers)
    clock.now += 123.5
    assert search(store, clock, strategy, 0, workers) == first
    assert search(store, clock, strategy, 1, workers) != first
    keys = [trial["cell"] for trial in first]
    assert sorted(keys) == sorted(cell.key for cell in cells_space(12).listed), "each once, until none is left"


def test_a_trial_that_the_table_does_not_have_ends_the_simulation(store, clock):
    spec = black_box_spec(trials=1)

    def nothing(task: TrialTask) -> list[Measurement]:
        assert isinstance(task.architecture, DenseCell)
        raise ValueError("no such head")

    with pytest.raises(ValueError, match="no such head"):
        simulate(store, clock, spec, StrategyPlan(spec), nothing)
