"""The time that a running search will still take, by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from nas.forecast.remaining import Remaining
from nas.results.status import TrialStatus
from nas.schemas.searches import SearchPublic
from nas.schemas.trials import TrialPublic
from nas.specs import BlackBoxSpec, CalibrationSpec, JobSpec, Resources
from tests.builders import scenes_fidelity

SHORT, LONG = scenes_fidelity(100), scenes_fidelity(1000)


def trial(number: int, seconds: float | None, fidelity: str = SHORT.key, **changes: Any) -> TrialPublic:
    fields = {"number": number, "seconds": seconds, "fidelity_key": fidelity, "status": TrialStatus.COMPLETED}
    return cast("TrialPublic", SimpleNamespace(**{"source": None, "score": 0.5, **fields, **changes}))


def search(planned: int = 10, spec: JobSpec | None = None, **parts: tuple[int, float]) -> SearchPublic:
    spec = spec or BlackBoxSpec(name="x", fidelity=SHORT, trials=planned, resources=Resources(concurrent=2))
    found = [SimpleNamespace(path=path, trials=trials, seconds=seconds) for path, (trials, seconds) in parts.items()]
    forecast = SimpleNamespace(parts=found) if parts else None
    return cast("SearchPublic", SimpleNamespace(spec=spec, planned=planned, forecast=forecast))


def test_nothing_is_known_before_a_trial_or_forecast():
    assert Remaining().seconds(search()) is None


def test_the_forecast_alone():
    # 10 trials of 30 s, two at a time.
    assert Remaining().seconds(search(fidelity=(10, 300.0))) == pytest.approx(150)


def test_measured_times_alone():
    remaining = Remaining()
    for number, seconds in enumerate((10.0, 20.0)):
        remaining.trial(trial(number, seconds))
    # 8 trials of 15 s, two at a time.
    assert remaining.seconds(search()) == pytest.approx(60)


def test_running_trials_are_half_done_and_count_once():
    remaining = Remaining()
    remaining.trial(trial(0, None, status=TrialStatus.RUNNING))
    for _ in range(2):  # an event may come twice
        remaining.trial(trial(0, 10.0))
    remaining.trial(trial(1, 4.0, status=TrialStatus.RUNNING))
    assert remaining.seconds(search()) == pytest.approx((9 - 0.5) * 10 / 2)


def test_the_forecast_counts_as_much_as_the_trials_at_a_time():
    remaining = Remaining()
    for number in range(2):
        remaining.trial(trial(number, 10.0))
    # (10 + 10 + 2 * 30) / 4 = 20 s for each of the 8 that are left.
    assert remaining.seconds(search(fidelity=(10, 300.0))) == pytest.approx(80)


def test_adopted_and_failed_trials_tell_no_time():
    remaining = Remaining()
    remaining.trial(trial(0, 99.0, source="s0/1"))
    remaining.trial(trial(1, 99.0, score=None, status=TrialStatus.FAILED))
    remaining.trial(trial(2, 10.0))
    assert remaining.seconds(search()) == pytest.approx(7 * 10 / 2)


def test_every_fidelity_has_its_own_time():
    spec = CalibrationSpec(name="x", architectures=4, proxies={"short": SHORT}, training_free=(), full_scale=LONG)
    remaining = Remaining()
    for number in range(4):
        remaining.trial(trial(number, 10.0))
    assert remaining.seconds(search(8, spec)) is None, "how long full scale takes is not known"
    forecast = {"proxies.short": (4, 40.0), "full_scale": (4, 400.0)}
    assert set(forecast) == set(spec.fidelities)
    assert remaining.seconds(search(8, spec, **forecast)) == pytest.approx(400 / 2)
    remaining.trial(trial(4, 200.0, LONG.key))
    # The forecast's 100 s weigh as much as two trials: (200 + 2 * 100) / 3.
    assert remaining.seconds(search(8, spec, **forecast)) == pytest.approx(3 * 400 / 3 / 2)


def test_a_search_that_is_over_takes_no_time():
    remaining = Remaining()
    for number in range(10):
        remaining.trial(trial(number, 10.0))
    assert remaining.seconds(search()) == 0.0
