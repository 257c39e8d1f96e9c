"""What a dry run says in words."""

from __future__ import annotations

from api.answers.dry_runs import cost, facts
from nas.schemas.forecasts import ForecastPublic
from nas.specs import AutoDeepLabSpec, BilevelSpec
from tests.builders import scenes_fidelity


def forecast(**changes: object) -> ForecastPublic:
    rungs = [{"iteration": 10, "trials": 12.0, "seconds": None, "measured": 0}]
    rungs += [{"iteration": 1000, "trials": 5.44, "seconds": None, "measured": 0}]
    part = {"path": "scoring", "trials": 12, "rungs": rungs, "basis": None, "measured": 0, "measured_to": None}
    runs = {"runs": 2, "epochs": 40, "device_seconds": None, "measured": 0}
    nothing = {"trials": 12, "device_seconds": None, "seconds": None, "basis": None, "reason": "why"}
    parts = [{**part, "seconds": None, "device_seconds": None}]
    return ForecastPublic.model_validate({**nothing, "parts": parts, "runs": runs, **changes})


def test_parts_and_runs_are_facts_of_their_own():
    spec = AutoDeepLabSpec(
        name="x", bilevel=BilevelSpec(dataset="scenes", crop=(129, 129)), seeds=2, scoring=scenes_fidelity(10, 1000)
    )
    found = dict(facts(spec, forecast()))
    assert found["search"] == "x: auto deeplab on scenes"
    assert found["trials"] == "12, 2 at a time"
    assert found["runs"] == "2 of 40 epochs"
    assert found["scoring"].endswith("; 12 trials to iteration 10, 5.4 to 1000")
    assert found["cost"] == "not known: why"
    assert found["scoring"].startswith("scenes, efficientnet_lite0 at stride 16, crop ")
    whole = dict(facts(spec, forecast(), whole_network=True))
    assert whole["scoring"].startswith("scenes, entire networks, crop "), "no backbone of the fidelity is used"


def test_a_known_cost_has_its_basis():
    known = forecast(device_seconds=80.0, seconds=20.0, basis="1 trial at the same fidelity", reason=None)
    assert (
        cost(known) == "80 s of device time, 20 s from the first trial to the last, preparation not counted "
        "(1 trial at the same fidelity)"
    )
