"""Objectives over HTTP: the Pareto set, classes by name, and what orders trials."""

from __future__ import annotations

from typing import Any

import pytest

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from search_spaces.latency import Latency
from tests.builders import dense_cell, measured

POINTS = {0: (0.5, 100), 1: (0.6, 300), 2: (0.6, 400), 3: (0.4, 200), 4: (0.7, 900)}
"""mIoU and parameters of trials at the last rung; 2 and 3 are dominated."""

LATENCY = Latency(what="head", median_ms=2.5, iqr_ms=0.1, runs=100, device="cpu", model="m", threads=1, torch="2")


@pytest.fixture(scope="module")
def search(service):
    found = service.search(objectives=["miou", "parameters"])
    fidelity = service.store.get_search(found).spec.fidelity
    for number, (score, parameters) in POINTS.items():
        service.store.add_trial(found, 1, Proposal(number, dense_cell(number), fidelity, 0))
        point = measured(fidelity.iterations, score, parameters=parameters, latency=LATENCY)
        service.store.record_measurement(found, number, 1, point)
        service.store.finish_trial(found, number, 1, TrialStatus.COMPLETED)
    service.store.add_trial(found, 1, Proposal(5, dense_cell(5), fidelity, 0))
    service.store.record_measurement(found, 5, 1, measured(fidelity.rungs[0], 0.99, parameters=1))
    service.store.finish_trial(found, 5, 1, TrialStatus.PRUNED)
    service.store.add_trial(found, 1, Proposal(6, dense_cell(6), fidelity, 0))
    service.store.finish_trial(found, 6, 1, TrialStatus.FAILED, "not feasible, so it was not trained: ...")
    return found


def test_the_set_has_the_values_best_first(service, search):
    found = service.http.get(f"/v1/searches/{search}/pareto").json()
    assert found["objectives"] == [
        {"text": "mIoU", "direction": "maximise"},
        {"text": "parameters", "direction": "minimise"},
    ]
    assert found["iteration"] == service.store.get_search(search).spec.fidelity.iterations
    assert [(point["trial"]["number"], *point["values"]) for point in found["items"]] == [
        (4, 0.7, 900),
        (1, 0.6, 300),
        (0, 0.5, 100),
    ]


def test_a_trial_says_its_value_and_latency(service, search):
    trial = service.http.get(f"/v1/searches/{search}/trials/4").json()
    assert (trial["value"], trial["standing"][1], trial["worth"]) == (0.7, 0.7, "0.7000 mIoU")
    assert service.http.get(f"/v1/searches/{search}/trials/6").json()["worth"] == ""
    assert (trial["latency"], trial["latency_text"]) == (LATENCY.model_dump(), "2.50 ms")
    assert trial["document"]["provenance"]["latency"] == LATENCY.model_dump()
    panels = service.http.get(f"/v1/searches/{search}/trials/4/panels").json()
    assert "head 2.50 ms (interquartile range 0.100 ms of 100 runs), 1 thread of m, torch 2" in str(panels)


def test_the_search_has_its_objectives_and_a_table(service, search):
    assert service.http.get(f"/v1/searches/{search}").json()["objectives"] == ["mIoU", "parameters"]
    panels = service.http.get(f"/v1/searches/{search}/panels").json()
    (panel,) = [one for one in panels if str(one.get("title")).startswith("Pareto set at iteration")]
    assert [row[:3] for row in panel["rows"]] == [
        ["#4", "0.7000", "900"],
        ["#1", "0.6000", "300"],
        ["#0", "0.5000", "100"],
    ]


def test_classes_are_found_by_name(service):
    def post(*objectives: Any, **query: Any) -> Any:
        spec = {**service.spec, "objectives": objectives}
        return service.http.post("/v1/searches", json=spec, params=query)

    made = post({"class_iou": "car"}).json()
    assert made["spec"]["objectives"] == [{"class_iou": "car", "number": 13}]
    assert made["objectives"] == ["IoU of car"]
    assert post({"class_iou": "car", "number": 13}).status_code == 201
    for objective, sentence in (
        ({"class_iou": "boat"}, "has no class 'boat'; it has: road, sidewalk,"),
        ({"class_iou": "car", "number": 2}, "is number 13, not 2; leave number out"),
    ):
        for query in ({}, {"dry_run": True}):
            refused = post("miou", objective, **query)
            assert refused.status_code == 422
            (problem,) = refused.json()["errors"]
            assert problem["path"] == "objectives.1"
            assert sentence in problem["message"]
