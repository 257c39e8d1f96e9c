"""Calibrations worked out by hand: cost, Pareto set, what is recommended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nas.ranking.calibration import calibrate
from nas.results.status import TrialStatus
from nas.specs import CalibrationSpec
from nas.store.records import TrialRecord
from tests.builders import trial_record

N = 10
FULL = [n / 20 for n in range(N)]
GOOD = FULL
FAIR = [FULL[n ^ 1] for n in range(N)]
"""Neighbours swapped: sum of d^2 is 10, rho = 1 - 60 / 990."""

BAD = FULL[::-1]


def spec(**changes: Any) -> CalibrationSpec:
    proxies = {"long": [400], "short": [200], "tiny": [100]}
    given = {
        "name": "which",
        "architectures": N,
        "proxies": {name: {"dataset": "scenes", "rungs": rungs} for name, rungs in proxies.items()},
        "full_scale": {"dataset": "scenes", "rungs": [4000]},
        "training_free": ["parameters", "synflow"],
    }
    return CalibrationSpec.model_validate({**given, **changes})


def trials(
    of: CalibrationSpec, upto: int = N, status: TrialStatus = TrialStatus.COMPLETED, **scores: list[float]
) -> list[TrialRecord]:
    """Of each fidelity by name, with what one costs in device-seconds."""
    cost = {"long": 40.0, "short": 20.0, "tiny": 10.0, "full_scale": 400.0}
    keys = {**{name: proxy.key for name, proxy in of.proxies.items()}, "full_scale": of.full_scale.key}
    return [
        trial_record(
            100 * turn + index,
            score,
            architecture_key=f"a{index}",
            fidelity_key=keys[name],
            status=status,
            device_seconds=cost[name],
        )
        for turn, (name, values) in enumerate(scores.items())
        for index, score in enumerate(values[:upto])
    ]


def test_the_cheapest_that_orders_well_enough_is_recommended():
    of = spec()
    found = calibrate(of, trials(of, long=GOOD, short=FAIR, tiny=BAD, full_scale=FULL), {})
    long, short, tiny, parameters, synflow = found.proxies
    assert [proxy.name for proxy in found.proxies] == ["long", "short", "tiny", "parameters", "synflow"]
    assert [proxy.ranking.spearman for proxy in (long, short, tiny)] == pytest.approx([1.0, 1 - 60 / 990, -1.0])
    assert [proxy.ranking.device_seconds for proxy in (long, short, tiny)] == [40.0, 20.0, 10.0]
    assert [proxy.share for proxy in (long, short, tiny)] == pytest.approx([0.1, 0.05, 0.025])
    assert (found.measured, found.device_seconds) == (N, 400.0)
    assert [proxy.pareto for proxy in (long, short, tiny)] == [True, True, True]
    assert found.recommended == "short"
    assert found.verdict.startswith("short is the cheapest proxy whose 95 % interval of rho, 0.")
    assert (parameters.training_free, parameters.ranking.n, parameters.pareto) == (True, 0, False)
    assert synflow.share is None


def test_a_training_free_score_joins_the_front_but_is_not_recommended():
    of = spec()
    free = {f"a{n}": {"parameters": (float(n), 0.5), "synflow": (-float(n), 30.0)} for n in range(N)}
    found = calibrate(of, trials(of, long=FAIR, short=FAIR, tiny=BAD, full_scale=FULL), free)
    assert {proxy.name: proxy.pareto for proxy in found.proxies} == {
        "long": False,
        "short": False,
        "tiny": False,
        "parameters": True,
        "synflow": False,
    }
    assert found.recommended == "short"
    assert found.verdict.endswith("; without any training, those of parameters do too")
    none = calibrate(of, trials(of, long=BAD, short=BAD, tiny=BAD, full_scale=FULL), free)
    assert none.recommended is None
    assert none.verdict == "no proxy's 95 % interval of rho lies above 0.5; only those of parameters do"


def test_equal_proxies_are_both_on_the_front():
    of = spec(proxies={"a": {"dataset": "scenes", "rungs": [400]}, "b": {"dataset": "scenes", "rungs": [200]}})
    made = trials(spec(), long=FAIR, short=FAIR, full_scale=FULL)
    same = [trial for trial in made if trial.device_seconds != 20.0]
    short = [trial for trial in made if trial.device_seconds == 20.0]
    equal = [replace(trial, device_seconds=40.0) for trial in short]
    found = calibrate(of, same + equal, {})
    assert [proxy.pareto for proxy in found.proxies[:2]] == [True, True]


def test_a_stated_rho_that_nothing_reaches():
    of = spec(least_rho=0.99)
    found = calibrate(of, trials(of, long=FAIR, short=FAIR, tiny=BAD, full_scale=FULL), {})
    assert (found.recommended, found.verdict) == (None, "no proxy's 95 % interval of rho lies above 0.99")


def test_before_there_is_enough():
    of = spec()
    found = calibrate(of, [], {})
    assert (found.measured, found.device_seconds, found.recommended) == (0, None, None)
    assert found.verdict.startswith("no correlation can be computed: 0 architectures have both scores")
    found = calibrate(of, trials(of, long=GOOD), {})
    assert (found.proxies[0].ranking.n, found.proxies[0].ranking.device_seconds, found.proxies[0].share) == (
        0,
        40.0,
        None,
    )
    part = trials(of, long=GOOD, short=FAIR, tiny=BAD) + trials(of, 5, full_scale=FULL)
    found = calibrate(of, part, {})
    assert (found.measured, found.proxies[0].ranking.n) == (5, 5)
    failed = trials(of, status=TrialStatus.FAILED, full_scale=FULL)
    assert calibrate(of, trials(of, long=GOOD) + failed, {}).measured == 0
