"""Forecasts by hand, from the record of a real store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from nas.forecast import MeasuredTimes, comparable_times, expected_at_rungs, forecast
from nas.forecast.search import ALIKE, NO_EPOCHS, NOTHING, SAME
from nas.kinds.probing import PROBE_RUNGS
from nas.kinds.registry import kind_of
from nas.results.proposal import Proposal
from nas.specs import (
    AshaStopping,
    AutoDeepLabSpec,
    BackboneSpec,
    BilevelSpec,
    BlackBoxSpec,
    CalibrationSpec,
    DenseCellSpace,
    FullScaleSpec,
    JobSpec,
    ReferenceSpec,
    Resources,
    SearchSpec,
    SupernetSpec,
)
from nas.store import Store
from tests.builders import dense_cell, measured, scenes_fidelity

FIDELITY = scenes_fidelity(100, 300)
SPEC = BlackBoxSpec(name="asked", fidelity=FIDELITY, trials=20, early_stopping=None, resources=Resources(concurrent=4))
RUNS = AutoDeepLabSpec(
    name="runs",
    bilevel=BilevelSpec(dataset="scenes", epochs=10, architecture_from_epoch=4),
    seeds=3,
    resources=Resources(concurrent=2),
)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """The file of an empty store."""
    file = tmp_path_factory.mktemp("store") / "empty.db"
    with Store.open(f"sqlite:///{file}") as store:
        store.migrate()
    return file


@pytest.fixture
def store(migrated, tmp_path):
    with Store.open(f"sqlite:///{shutil.copy(migrated, tmp_path)}") as store:
        yield store


def ran(store: Store, spec: SearchSpec, *trials: tuple[float, ...], devices: float = 1.0) -> str:
    """A search whose trials took so many seconds to their rungs in turn; its id."""
    search, _ = store.create_search(spec, parent=spec.of if isinstance(spec, FullScaleSpec) else None)
    store.begin_driver(search.id)
    for number, times in enumerate(trials):
        used = next(iter(spec.fidelities.values()))
        store.add_trial(search.id, 1, Proposal(number, dense_cell(number), used, 0))
        for iteration, seconds in zip(used.rungs, times, strict=False):
            store.record_measurement(
                search.id, number, 1, measured(iteration, seconds=seconds, device_seconds=seconds * devices)
            )
    return search.id


def changed(spec: Any, **fields: Any) -> Any:
    return type(spec).model_validate({**dict(spec), **fields})


def asked(store, spec=SPEC):
    return forecast(spec, comparable_times(spec, store))


def test_nothing_measured_is_said(store):
    found = asked(store)
    assert (found.device_seconds, found.seconds, found.basis, found.reason) == (None, None, None, NOTHING)
    assert [(rung.iteration, rung.trials, rung.seconds) for rung in found.parts[0].rungs] == [
        (100, 20.0, None),
        (300, 20.0, None),
    ]
    assert forecast(SPEC, MeasuredTimes()) == found


def test_the_same_fidelity_by_hand(store):
    # To 100: mean of 2, 4, 6 s. From there to 300 only the slow one was measured: 21 - 6 = 15 s, not 21 - 4.
    ran(store, SPEC, (2.0,), (4.0,), (6.0, 21.0), devices=0.5)
    found = asked(store)
    part = found.parts[0]
    assert [(rung.seconds, rung.measured) for rung in part.rungs] == [(4.0, 3), (15.0, 1)]
    assert part.seconds == pytest.approx(20 * 19.0)
    assert found.device_seconds == part.device_seconds == pytest.approx(20 * 19.0 / 2)
    assert found.seconds == pytest.approx(20 * 19.0 / 4)
    assert (part.basis, part.measured, part.measured_to, found.reason) == (SAME, 3, 300, None)
    assert found.basis == "3 trials at the same fidelity"


def test_early_stopping_thins_out_the_rungs(store):
    ran(store, SPEC, (4.0, 10.0))
    halved = changed(SPEC, early_stopping=AshaStopping(reduction=3.0), trials=100)
    reached = expected_at_rungs(100, 2, 3.0)[1]
    assert asked(store, halved).device_seconds == pytest.approx(100 * 4.0 + reached * 6.0)
    assert 34 < reached < 38


def test_no_more_trials_than_the_space_has_cells(store):
    small = changed(SPEC, space=DenseCellSpace(branches=1), trials=1000)
    assert (asked(store, small).trials, asked(store).trials) == (81, 20)


def test_one_trial_takes_its_time_however_many_run_at_once(store):
    ran(store, SPEC, (4.0, 10.0))
    assert asked(store, changed(SPEC, trials=1)).seconds == pytest.approx(10.0)


def test_a_fidelity_of_the_same_cost_a_step_is_continued(store):
    # 0.1 s a step, 2 s a validation: 12 s to 100, 22 s on to 300.
    ran(store, SPEC, (12.0, 34.0), (12.0, 34.0))
    longer = changed(SPEC, fidelity=changed(FIDELITY, rungs=(1000, 3000), views=4), trials=10)
    part = asked(store, longer).parts[0]
    assert [rung.seconds for rung in part.rungs] == pytest.approx([102.0, 202.0])
    assert (part.basis, part.measured, part.measured_to) == (ALIKE, 2, 300)
    found = asked(store, longer)
    assert found.device_seconds == pytest.approx(3040.0)
    assert found.basis == (
        "2 trials at a fidelity of the same cost a step, measured up to iteration 300 and continued from there"
    )


def test_a_rung_that_nobody_reached_is_continued(store):
    ran(store, SPEC, (5.0,))
    part = asked(store).parts[0]
    assert [(rung.seconds, rung.measured) for rung in part.rungs] == [(5.0, 1), (pytest.approx(10.0), 0)]
    assert (part.basis, part.measured_to) == (SAME, 100)


@pytest.mark.parametrize(
    "other",
    [
        changed(SPEC, space=DenseCellSpace(branches=3)),
        changed(SPEC, space=DenseCellSpace(channels=(16, 32))),
        changed(SPEC, fidelity=changed(FIDELITY, backbone=BackboneSpec(levels=(8, 16)))),
        changed(SPEC, resources=Resources(cpus=2)),
        changed(SPEC, resources=Resources(gpus=0.5)),
        changed(SPEC, fidelity=changed(FIDELITY, batch=4)),
        ReferenceSpec(name="heads", fidelity=FIDELITY),
    ],
)
def test_what_does_not_compare_is_left_out(store, other):
    ran(store, other, (1.0, 2.0))
    assert asked(store).reason == NOTHING
    assert asked(store, other).parts[0].basis == SAME


def test_full_scale_and_calibration(store):
    search = ran(store, SPEC, (1.0, 2.0))
    full = changed(FIDELITY, rungs=(600,), crop=(129, 129))
    evaluation = FullScaleSpec(name="full", of=search, sampling="top", trials=(0, 1), fidelity=full, seeds=3)
    ran(store, evaluation, (50.0,), (70.0,))
    assert asked(store, evaluation).device_seconds == pytest.approx(6 * 60.0)
    calibration = CalibrationSpec(name="which", architectures=4, proxies={"short": FIDELITY}, full_scale=full, seeds=2)
    found = asked(store, calibration)
    assert [(part.path, part.trials, part.device_seconds) for part in found.parts] == [
        ("proxies.short", 4, pytest.approx(8.0)),
        ("full_scale", 8, pytest.approx(480.0)),
    ]
    assert found.basis == "proxies.short: 1 trial at the same fidelity; full_scale: 2 trials at the same fidelity"
    assert found.seconds == pytest.approx(4.0 + 240.0)


def test_reference_heads_have_no_early_stopping(store):
    heads = ReferenceSpec(name="heads", fidelity=FIDELITY, seeds=2)
    ran(store, heads, (1.0, 3.0))
    assert asked(store, heads).device_seconds == pytest.approx(len(heads.heads) * 2 * 3.0)
    assert asked(store, changed(heads, heads=heads.heads[:2])).reason == NOTHING


@pytest.fixture
def snapshots(store, snapshot_at) -> Callable[..., None]:
    """Record a search with one run whose epochs ended after so many device-seconds in turn."""

    def record(spec: SearchSpec, *ends: float) -> None:
        search, _ = store.create_search(spec)
        store.begin_driver(search.id)
        for epoch, seconds in enumerate(ends, 1):
            store.add_snapshot(search.id, 1, 0, snapshot_at(epoch, device_seconds=seconds))

    return record


def test_runs_by_hand(store, snapshots):
    assert asked(store, RUNS).reason == NO_EPOCHS
    # A shorter run of the same supernet: 10 s an epoch for the weights, then 25 and 35 s.
    snapshots(changed(RUNS, bilevel=changed(RUNS.bilevel, epochs=3, architecture_from_epoch=1)), 10.0, 35.0, 70.0)
    found = asked(store, RUNS)
    assert found.device_seconds == pytest.approx(3 * (4 * 10.0 + 6 * 30.0))
    assert found.seconds == pytest.approx(2 * (4 * 10.0 + 6 * 30.0))  # two at a time, then the third
    assert (found.trials, found.runs.measured, found.basis) == (0, 3, "3 epochs of such runs")
    other = changed(RUNS, supernet=SupernetSpec(filters=16))
    assert asked(store, other).reason == NO_EPOCHS


def test_runs_whose_second_half_nobody_measured(store, snapshots):
    snapshots(RUNS, 10.0, 20.0)
    assert asked(store, RUNS).reason == NO_EPOCHS


Spec = TypeVar("Spec", bound=JobSpec)


def probe_of(spec: Spec) -> Spec:
    probe = kind_of(spec).probe(spec)
    assert isinstance(probe, type(spec))
    return probe


def test_a_probe_compares_with_its_search(store):
    probe = probe_of(SPEC)
    assert (probe.name, probe.fidelity.rungs, probe.trials, probe.early_stopping) == (
        "probe of asked",
        PROBE_RUNGS,
        4,
        None,
    )
    # 0.5 s for the first step, 0.1 s a step, 2 s a validation.
    ran(store, probe, (3.5, 6.5, 16.5), (3.5, 6.5, 16.5))
    part = asked(store).parts[0]
    assert [rung.seconds for rung in part.rungs] == pytest.approx([12.5, 22.0])
    assert part.basis == ALIKE


def test_a_probe_is_never_longer_than_its_search():
    short = changed(SPEC, fidelity=changed(FIDELITY, rungs=(15,)), trials=1, name="x" * 100)
    probe = probe_of(short)
    assert (probe.fidelity.rungs, probe.trials, len(probe.name)) == ((10, 15), 2, 100)
    heads = probe_of(ReferenceSpec(name="heads", fidelity=FIDELITY))
    assert heads.planned == len(heads.heads)


def test_a_differentiable_probe_has_an_epoch_of_each_kind(store, snapshots):
    scored = changed(RUNS, scoring=FIDELITY)
    probe = probe_of(scored)
    assert (probe.bilevel.epochs, probe.bilevel.architecture_from_epoch, probe.planned) == (2, 1, 1)
    assert probe.scoring is not None
    assert probe.scoring.rungs == PROBE_RUNGS
    snapshots(probe, 10.0, 30.0)
    assert asked(store, scored).runs.device_seconds == pytest.approx(3 * (4 * 10.0 + 6 * 20.0))
    at_once = changed(RUNS, bilevel=changed(RUNS.bilevel, architecture_from_epoch=0))
    assert probe_of(at_once).bilevel.epochs == 1
