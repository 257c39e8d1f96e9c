"""Calibrations over HTTP, and searches that name a fidelity of one."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nas.kinds.calibration import KIND as CALIBRATION
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from search_spaces.dense_cell.space import sample
from tests.builders import measured

N = 10
COST = {"long": 40.0, "short": 20.0, "full_scale": 400.0}
FULL = [n / 20 for n in range(N)]
FAIR = [FULL[n ^ 1] for n in range(N)]
BAD = FULL[::-1]


def spec(**changes: Any) -> dict[str, Any]:
    proxies = {"long": {"dataset": "scenes", "rungs": [400]}, "short": {"dataset": "scenes", "rungs": [200]}}
    given = {"name": "which", "architectures": N, "proxies": proxies, "training_free": ["parameters"], "seed": 3}
    return {**given, "full_scale": {"dataset": "scenes", "rungs": [4000]}, **changes}


def calibrated(service, end: SearchStatus | None = SearchStatus.COMPLETED, **scores: list[float]) -> str:
    """A calibration whose driver has measured these scores by fidelity."""
    search = service.http.post("/v1/calibrations", json=spec()).json()["id"]
    attempt = service.store.begin_driver(search)
    service.store.driver_started(search, attempt)
    asked = service.store.get_search(search).spec
    fidelities = {**asked.proxies, "full_scale": asked.full_scale}
    for turn, (name, values) in enumerate(scores.items()):
        for index, score in enumerate(values):
            number, fidelity = turn * N + index, fidelities[name]
            service.store.add_trial(
                search, attempt, Proposal(number, sample(5, random.Random(index)), fidelity, asked.seed)
            )
            service.store.record_measurement(search, number, 1, measured(fidelity.iterations, score, COST[name]))
            service.store.finish_trial(search, number, 1, TrialStatus.COMPLETED)
    if end is not None:
        service.store.finish_search(search, attempt, end)
    return search


def submit(service, fidelity: object, **changes: Any):
    return service.http.post("/v1/searches", json={"name": "by name", "fidelity": fidelity, **changes})


def refused(reply) -> str:
    """The sentence about the field `fidelity`."""
    assert reply.status_code == 422, reply.text
    (problem,) = reply.json()["errors"]
    assert problem["path"] == "fidelity"
    return problem["message"]


def test_a_calibration_is_a_search_too(service):
    reply = service.http.post("/v1/calibrations", json=spec(), headers={"Idempotency-Key": "calibrate"})
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert reply.headers["Location"] == f"/v1/calibrations/{made['id']}"
    assert (made["status"], made["planned"], made["ended"], made["measured"]) == ("queued", 30, 0, 0)
    assert (made["recommended"], made["final"]) == (None, False)
    assert made["verdict"].startswith("no correlation can be computed: 0 architectures")
    again = service.http.post("/v1/calibrations", json=spec(), headers={"Idempotency-Key": "calibrate"})
    assert (again.json()["id"], again.headers["Idempotency-Replayed"]) == (made["id"], "true")
    assert service.http.get(f"/v1/searches/{made['id']}").json()["kind"] == "calibration"
    assert service.http.post(f"/v1/searches/{made['id']}/stop").json()["status"] == "stopped"
    assert service.http.get(reply.headers["Location"]).json()["status"] == "stopped"
    listed = service.http.get("/v1/calibrations", params={"limit": 1}).json()
    assert [item["id"] for item in listed["items"]] == [made["id"]]
    assert service.http.get("/v1/calibrations", params={"cursor": "?"}).status_code == 422


def test_wrong_calibrations_are_told_by_field(service):
    reply = service.http.post("/v1/calibrations", json=spec(full_scale={"dataset": "other"}))
    assert "known are: scenes" in reply.json()["detail"]
    reply = service.http.post("/v1/calibrations", json=spec(full_scale={"dataset": "scenes", "rungs": [400]}))
    assert "proxy long is the same fidelity as full_scale" in reply.json()["detail"]
    proxies = {"one": {"dataset": "scenes", "rung": [4]}}
    reply = service.http.post("/v1/calibrations", json=spec(proxies=proxies))
    assert reply.json()["errors"] == [{"path": "proxies.one.rung", "message": "unknown field; did you mean rungs?"}]
    reply = service.http.post("/v1/calibrations", json=spec(architectures=3))
    assert reply.json()["errors"][0]["path"] == "architectures"
    search = service.search()
    reply = service.http.get(f"/v1/calibrations/{search}")
    assert (reply.status_code, "is no calibration" in reply.json()["detail"]) == (404, True)


def test_the_answer(service):
    search = calibrated(service, long=FULL, short=FAIR, full_scale=FULL)
    asked = service.store.get_search(search).spec
    first = next(iter(asked.proxies.values()))
    found = service.http.get(f"/v1/calibrations/{search}").json()
    long, short, parameters = found["proxies"]
    assert (long["name"], long["n"], long["spearman"], long["pareto"]) == ("long", N, pytest.approx(1.0), True)
    assert short["spearman"] == pytest.approx(1 - 60 / 990)
    assert (short["device_seconds"], short["share"], short["fidelity"]["rungs"]) == (20.0, 0.05, [200])
    assert short["interval"]["low"] > 0.5
    assert (parameters["training_free"], parameters["fidelity"], parameters["sign"]) == (True, None, 1)
    assert "NeurIPS" in parameters["citation"]
    assert parameters["n"] == 0
    assert (found["measured"], found["ended"], found["full_scale"]["device_seconds"]) == (N, 30, 400.0)
    assert (found["recommended"]["name"], found["recommended"]["use"], found["final"]) == ("short", search, True)
    assert found["recommended"]["fidelity"] == short["fidelity"]
    other = calibrated(service, None, long=FULL, full_scale=FULL)
    attempt = service.store.get_search(other).attempt
    for index in range(N):
        scores = {"parameters": (float(index), 0.5)}
        service.store.add_training_free(other, attempt, sample(5, random.Random(index)), first, asked.seed, scores)
    parameters = service.http.get(f"/v1/calibrations/{other}").json()["proxies"][2]
    assert (parameters["n"], parameters["spearman"], parameters["pareto"]) == (N, pytest.approx(1.0), True)


def test_a_search_names_the_recommended_fidelity(service):
    calibration = calibrated(service, long=FULL, short=FAIR, full_scale=FULL)
    search = submit(service, calibration)
    assert search.status_code == 201, search.text
    assert search.json()["spec"]["fidelity"]["rungs"] == [200]
    assert service.store.get_search(search.json()["id"]).spec.fidelity.rungs == (200,)
    named = submit(service, f"{calibration}/long", kind="reference", seeds=1)
    assert (named.json()["kind"], named.json()["spec"]["fidelity"]["rungs"]) == ("reference", [400])
    same = [
        service.http.post(
            "/v1/searches", json={"name": "x", "fidelity": calibration}, headers={"Idempotency-Key": "by name"}
        )
        for _ in range(2)
    ]
    assert same[0].json()["id"] == same[1].json()["id"]
    # What the name means is what is stored, but the key belongs to the request, which said the name.
    spelled_out = {"name": "x", "fidelity": same[0].json()["spec"]["fidelity"]}
    reply = service.http.post("/v1/searches", json=spelled_out, headers={"Idempotency-Key": "by name"})
    assert reply.status_code == 409
    # What else is wrong is told as always.
    reply = submit(service, calibration, trails=3)
    assert reply.json()["errors"] == [{"path": "trails", "message": "unknown field; did you mean trials?"}]


def test_names_that_mean_no_fidelity(service):
    calibration = calibrated(service, long=BAD, short=BAD, full_scale=FULL)
    assert "names no fidelity" in refused(submit(service, "fast"))
    assert refused(submit(service, "s000000000000")) == "there is no calibration 's000000000000'"
    search = service.search()
    assert refused(submit(service, search)) == f"{search} is no calibration, but of the kind black_box"
    sentence = refused(submit(service, calibration))
    assert sentence == f"calibration {calibration} recommends nothing: no proxy's 95 % interval of rho lies above 0.5"
    assert refused(submit(service, f"{calibration}/none")).endswith("has no proxy 'none'; it has long, short")
    running = calibrated(service, None, long=FULL, full_scale=FULL)
    assert f"name one of its proxies ({running}/long, {running}/short), or wait" in refused(submit(service, running))
    assert submit(service, f"{running}/short").status_code == 201
    unfinished = service.http.get(f"/v1/calibrations/{running}").json()
    assert (unfinished["recommended"]["use"], unfinished["final"]) == (f"{running}/long", False)


def test_other_bodies_are_read_as_before(service):
    post = lambda body, **kind: service.http.post("/v1/searches", content=body, headers=kind)  # noqa: E731
    json_type = {"Content-Type": "application/json"}
    assert "is not JSON" in post(b'{"fidelity": "', **json_type).json()["detail"]
    assert "NaN is not a JSON number" in post(b'{"fidelity": NaN}', **json_type).json()["detail"]
    assert "mapping of fields" in post(b'{"name": "x", "fidelity": 7}', **json_type).json()["detail"]
    assert post(b'["fidelity"]', **json_type).status_code == 422
    assert post(b"", **json_type).status_code == 422
    assert post(b'{"fidelity": "' + b"x" * (1 << 20) + b'"}', **json_type).status_code == 413


def test_a_sequential_calibration_says_what_it_knows(service):
    reply = service.http.post("/v1/calibrations", json=spec(architectures=12, sequential={}, training_free=[]))
    assert reply.status_code == 201, reply.text
    made = reply.json()
    search = made["id"]
    assert (made["planned"], made["spec"]["least_rho"]) == (2 * 48 + 12, 0.8)
    assert made["verdict"] == "the first look comes after 6 architectures at full scale"
    assert {proxy["judged"] for proxy in made["proxies"]} == {None}
    attempt = service.store.begin_driver(search)
    service.store.driver_started(search, attempt)
    asked = service.store.get_search(search).spec
    plan = CALIBRATION.plan(asked, search, service.store)
    cost = {fidelity.key: COST[name] for name, fidelity in {**asked.proxies, "full_scale": asked.full_scale}.items()}
    while (proposal := plan.propose()) is not None:
        true, noise = random.Random(proposal.architecture.key), random.Random(proposal.number)
        spoilt = 5 * noise.random() if proposal.fidelity.rungs == (200,) else 0
        found = measured(proposal.fidelity.iterations, 0.1 + (true.random() + spoilt) / 10, cost[proposal.fidelity.key])
        service.store.add_trial(search, attempt, proposal)
        service.store.record_measurement(search, proposal.number, 1, found)
        service.store.finish_trial(search, proposal.number, 1, TrialStatus.COMPLETED)
        plan.tell(proposal.number, proposal.architecture, TrialStatus.COMPLETED, found)
    service.store.finish_search(search, attempt, SearchStatus.COMPLETED)
    answer = service.http.get(f"/v1/calibrations/{search}").json()
    judged = {proxy["name"]: proxy["judged"] for proxy in answer["proxies"]}
    assert {name: of["state"] for name, of in judged.items()} == {"long": "above", "short": "below"}
    assert judged["long"]["low"] <= judged["long"]["corrected"] <= judged["long"]["high"] <= 1
    assert answer["recommended"]["name"] == "long"
    assert answer["ended"] < answer["planned"]
    panels = service.http.get(f"/v1/searches/{search}/panels").json()
    (table,) = (panel for panel in panels if panel["type"] == "table")
    assert [column["text"] for column in table["columns"]][-3:] == ["Corrected", "Range", "Known"]
    assert [row[-1] for row in table["rows"]] == ["above", "below"]


def test_a_space_that_is_too_small_for_a_sequential_calibration(service):
    reply = service.http.post("/v1/calibrations", json=spec(architectures=30, sequential={}, space={"branches": 1}))
    assert reply.status_code == 422
    (problem,) = reply.json()["errors"]
    assert (problem["path"], "use at most 20" in problem["message"]) == ("architectures", True)
