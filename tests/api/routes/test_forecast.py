"""Forecasts over HTTP: what a dry run says, what a search shows beside its cost."""

from __future__ import annotations

from typing import Any

import pytest

from nas.forecast import expected_at_rungs
from nas.kinds.probing import PROBE_RUNGS
from nas.results.status import TrialStatus
from nas.schemas.forecasts import ForecastPublic
from nas.specs import AutoDeepLabSpec, BilevelSpec


@pytest.fixture
def own(serve, home):
    """A service of its own: forecasts look at all that was measured."""
    return serve(home)


def dry_run(service: Any, spec: dict[str, Any], **params: bool) -> Any:
    return service.http.post("/v1/searches", json=spec, params={"dry_run": True, **params})


def searches(service):
    return service.http.get("/v1/searches").json()["items"]


def test_a_dry_run_with_nothing_measured_says_so_and_stores_nothing(own):
    reply = dry_run(own, own.spec)
    assert reply.status_code == 200
    found = reply.json()
    assert (found["trials"], found["device_seconds"], found["seconds"], found["basis"]) == (20, None, None, None)
    assert "nothing has been measured at a fidelity that costs the same" in found["reason"]
    assert [rung["iteration"] for rung in found["parts"][0]["rungs"]] == [100, 200]
    assert searches(own) == []
    assert "Location" not in reply.headers


def test_a_dry_run_checks_what_a_real_one_checks(own):
    for changes in ({"fidelity": {"dataset": "others"}}, {"trials": 0}, {"unknown": 1}):
        spec = {**own.spec, **changes}
        refused, real = dry_run(own, spec), own.http.post("/v1/searches", json=spec)
        assert refused.status_code == real.status_code == 422
        assert refused.json()["errors"] == real.json()["errors"]


def test_measuring_belongs_to_a_dry_run(own):
    reply = own.http.post("/v1/searches", json=own.spec, params={"measure": True})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["path"] == "measure"
    assert searches(own) == []


def test_the_forecast_of_measured_trials_by_hand(own):
    # A trial takes 1 s to 100 and 1 s on to 200, on two devices.
    search = own.search()
    own.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    own.trial(search, 1, 0.125, end=TrialStatus.PRUNED)
    found = dry_run(own, own.spec).json()
    seconds = 20 + expected_at_rungs(20, 2, 3.0)[1]
    assert found["device_seconds"] == pytest.approx(2 * seconds)
    assert found["seconds"] == pytest.approx(seconds / 2)
    assert (found["basis"], found["reason"]) == ("2 trials at the same fidelity", None)
    assert [rung["measured"] for rung in found["parts"][0]["rungs"]] == [2, 1]
    shorter = {**own.spec, "early_stopping": None, "fidelity": {"dataset": "scenes", "rungs": [50]}}
    found = dry_run(own, shorter).json()
    assert found["device_seconds"] == pytest.approx(20 * 1.0)
    assert found["parts"][0]["basis"] == "a fidelity of the same cost a step"


def test_a_search_shows_its_forecast_beside_its_cost(own):
    first = own.http.post("/v1/searches", json=own.spec).json()
    assert first["forecast"] is None
    search = own.search()
    own.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    found = dry_run(own, own.spec).json()
    expected = {name: found[name] for name in ForecastPublic.model_fields}
    key = {"Idempotency-Key": "mine"}
    made = own.http.post("/v1/searches", json=own.spec, headers=key).json()
    assert made["forecast"] == expected
    own.trial(search, 1, 0.25, 0.5)
    assert dry_run(own, own.spec).json()["basis"] != expected["basis"]
    for again in (
        own.http.get(f"/v1/searches/{made['id']}"),
        own.http.post("/v1/searches", json=own.spec, headers=key),
    ):
        assert again.json()["forecast"] == expected
    assert own.http.get(f"/v1/searches/{made['id']}").json()["cost"]["device_seconds"] == 0.0


def test_a_probe_measures_for_the_search(own):
    reply = dry_run(own, own.spec, measure=True)
    assert reply.status_code == 202
    probe = reply.json()
    assert reply.headers["Location"] == f"/v1/searches/{probe['id']}"
    assert (probe["name"], probe["status"], probe["planned"]) == ("probe of a search", "queued", 2)
    assert tuple(probe["spec"]["fidelity"]["rungs"]) == PROBE_RUNGS
    assert [search["id"] for search in searches(own)] == [probe["id"]]
    attempt = own.store.begin_driver(probe["id"])
    own.store.driver_started(probe["id"], attempt)
    for number in range(2):
        own.trial(probe["id"], number, 0.1, 0.2, 0.3, end=TrialStatus.COMPLETED)
    found = dry_run(own, {**own.spec, "early_stopping": None}).json()
    assert found["device_seconds"] == pytest.approx(20 * 2 * 2.0)  # 0.01 s a step, 200 steps, two devices
    assert found["basis"].startswith("2 trials at a fidelity of the same cost a step, measured up to iteration 100")


def test_a_key_of_a_probe_is_free_for_the_search(own):
    key = {"Idempotency-Key": "mine"}
    probe = own.http.post("/v1/searches", json=own.spec, params={"dry_run": True, "measure": True}, headers=key)
    made = own.http.post("/v1/searches", json=own.spec, headers=key)
    assert (probe.status_code, made.status_code) == (202, 201)
    assert "Idempotency-Replayed" not in made.headers
    again = own.http.post("/v1/searches", json=own.spec, params={"dry_run": True, "measure": True}, headers=key)
    assert again.json()["id"] == probe.json()["id"] != made.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_differentiable_search(own, snapshot_at):
    spec = AutoDeepLabSpec(name="runs", bilevel=BilevelSpec(dataset="scenes", epochs=4, architecture_from_epoch=2))
    body = spec.model_dump(mode="json")
    assert "no run has been through such epochs" in dry_run(own, body).json()["reason"]
    probe = dry_run(own, body, measure=True).json()
    assert probe["spec"]["bilevel"]["epochs"] == 2
    own.store.begin_driver(probe["id"])
    for epoch, seconds in ((1, 5.0), (2, 25.0)):
        own.store.add_snapshot(probe["id"], 1, 0, snapshot_at(epoch, device_seconds=seconds))
    found = dry_run(own, body).json()
    assert found["device_seconds"] == pytest.approx(2 * 5.0 + 2 * 20.0)
    assert found["runs"] == {"runs": 1, "epochs": 4, "device_seconds": 50.0, "measured": 2}


def test_the_document_describes_both_answers(own):
    operation = own.http.get("/openapi.json").json()["paths"]["/v1/searches"]["post"]
    answers = {
        status: operation["responses"][status]["content"]["application/json"]["schema"]
        for status in ("200", "201", "202")
    }
    shown = {"$ref": "#/components/schemas/SearchPublic"}
    assert answers == {"200": {"$ref": "#/components/schemas/DryRunPublic"}, "201": shown, "202": shown}
    assert {"dry_run", "measure"} <= {parameter["name"] for parameter in operation["parameters"]}
