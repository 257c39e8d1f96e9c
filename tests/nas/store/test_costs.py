"""What searches cost and how long rungs take: adopted trials cost nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.store import RungTime, SearchCost, Store


@pytest.fixture
def ran(store: Store, spec, cells, measured) -> Callable[..., None]:
    """A trial, seed 0, that has measured rungs given as {iteration: (seconds, device_seconds)}."""

    def run(search: str, number: int, rungs: dict[int, tuple[float, float]], fidelity=spec.fidelity) -> None:
        store.add_trial(search, 1, Proposal(number, cells[number], fidelity, 0))
        for iteration, (seconds, device_seconds) in rungs.items():
            point = measured(iteration, seconds=seconds, device_seconds=device_seconds)
            store.record_measurement(search, number, 1, point)

    return run


@pytest.fixture
def other(store: Store, spec) -> str:
    """Another search, driven by attempt 1."""
    search, _ = store.create_search(spec)
    store.begin_driver(search.id)
    return search.id


def adopt_first(store: Store, spec, cells, search: str, source: str) -> None:
    store.finish_trial(source, 0, 1, TrialStatus.COMPLETED)
    store.adopt_trial(search, 1, Proposal(0, cells[0], spec.fidelity, 0), source, 0)


def test_a_search_costs_what_its_trials_took_to_their_deepest_rung(
    store: Store, driven: str, other: str, spec, cells, ran
):
    assert store.overview(driven).cost == store.overview("s0").cost == SearchCost(0.0, 0, 0)
    ran(driven, 0, {100: (1.0, 2.0), 300: (4.0, 8.0)})
    ran(driven, 1, {100: (1.5, 3.0)})
    ran(driven, 2, {})  # has measured nothing yet
    ran(driven, 3, {100: (2.0, 0.25)})
    store.finish_trial(driven, 3, 1, TrialStatus.FAILED, "NaN loss")
    assert store.overview(driven).cost == SearchCost(8.0 + 3.0 + 0.25, 3, 0)
    ran(other, 1, {100: (1.0, 16.0)})
    adopt_first(store, spec, cells, other, driven)
    assert store.overview(other).cost == SearchCost(16.0, 1, 1)


def test_a_differentiable_search_costs_its_last_snapshots_too(store: Store, driven: str, other: str, ran, snapshot_at):
    for run, epoch, seconds in ((0, 1, 1.0), (0, 10, 5.0), (0, 9, 4.5), (1, 3, 32.0)):
        store.add_snapshot(driven, 1, run, snapshot_at(epoch, device_seconds=seconds))
    store.add_snapshot(other, 1, 0, snapshot_at(50, device_seconds=1000.0))
    assert store.overview(driven).cost == SearchCost(37.0, 0, 0)
    ran(driven, 0, {100: (1.0, 2.0)})
    assert store.overview(driven).cost == SearchCost(39.0, 1, 0)
    assert store.overview(other).cost == SearchCost(1000.0, 0, 0)


def test_rung_times_are_means_from_rung_to_rung_of_the_same_trials(
    store: Store, driven: str, other: str, spec, cells, ran
):
    key = spec.fidelity.key
    assert store.rung_times([key]) == []
    ran(driven, 0, {100: (6.0, 12.0), 300: (16.0, 32.0)})
    ran(driven, 1, {100: (2.0, 4.0)})
    ran(driven, 2, {})
    ran(other, 1, {100: (5.0, 5.0)})
    adopt_first(store, spec, cells, other, driven)
    mine = [RungTime(driven, key, 100, 2, 4.0, 8.0), RungTime(driven, key, 300, 1, 10.0, 20.0)]
    expected = sorted(
        [*mine, RungTime(other, key, 100, 1, 5.0, 5.0)], key=lambda time: (time.search_id, time.iteration)
    )
    assert store.rung_times([key, key]) == expected
    assert store.rung_times([]) == store.rung_times(["0" * 64]) == []
