"""The OpenAPI document: its examples are run against the service as they would be pasted."""

from __future__ import annotations

import json
import random
import subprocess
import threading

import pytest

from api.openapi import CURL
from nas.results.snapshot import Snapshot
from nas.results.status import TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec, Fidelity, ReferenceSpec
from search_spaces.auto_deeplab.space import sample


@pytest.fixture(scope="module")
def document(service):
    return service.http.get("/openapi.json").json()


def operations(document):
    return {(method, path): operation for path, item in document["paths"].items() for method, operation in item.items()}


def test_every_operation_has_a_curl_line_and_says_what_it_does(document):
    assert set(operations(document)) == set(CURL)
    for (method, path), operation in operations(document).items():
        assert operation["description"], (method, path)
        assert operation["x-codeSamples"][0]["source"].count("curl"), (method, path)


def test_errors_are_described_in_their_form(document):
    for (_, path), operation in operations(document).items():
        if path.startswith("/v1/searches"):
            problem = operation["responses"]["422"]["content"]["application/problem+json"]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.slow
def test_the_curl_lines_work_when_pasted(service, document):
    # One search of each kind is there; the spec is posted last, and the others speak of the newest. Then what makes
    # newer ones.
    _one_of_each_kind(service)
    lines = {key: operation["x-codeSamples"][0]["source"] for key, operation in operations(document).items()}
    created = json.loads(paste(lines.pop(("post", "/v1/searches"))))
    assert created["status"] == "queued"
    service.store.begin_driver(created["id"])
    service.store.driver_started(created["id"], 1)
    for number in range(4):
        service.trial(created["id"], number, 0.25, 0.5 + number / 10, end=TrialStatus.COMPLETED)
    events = threading.Timer(1.0, service.finish, [created["id"]])  # curl -N ends with the search
    stop = lines.pop(("post", "/v1/searches/{search_id}/stop"))
    newer = {
        key: lines.pop(key) for key in list(lines) if key[1].endswith(("full-scale", "ranking")) or "calib" in key[1]
    }
    for (method, path), line in lines.items():
        if path.endswith("/events"):
            events.start()
        output = paste(line)
        if path.endswith("/events"):
            assert output.startswith("event: search\n")
            assert "\nevent: end\n" in output
        elif path.endswith("/logs"):
            assert "no cluster is configured" in output
        else:
            assert "detail" not in json.loads(output), (method, path, output)
    assert json.loads(paste(stop))["status"] == 409
    for (method, path), line in newer.items():
        assert "detail" not in (reply := json.loads(paste(line))), (method, path, reply)
    assert len(newer) == 5


def paste(line: str) -> str:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=30).stdout


@pytest.mark.parametrize("path", ["/v1/searches", "/v1/searches/{search_id}/full-scale", "/v1/calibrations"])
def test_the_body_examples_are_accepted(service, document, path):
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    search = service.search()
    for number in range(4):
        service.trial(search, number, 0.25, 0.5, end=TrialStatus.COMPLETED)
    reply = service.http.post(path.replace("{search_id}", search), json=body["example"])
    assert reply.status_code == 201, reply.text


def _one_of_each_kind(service) -> None:
    """A differentiable search with a snapshot, a reference search."""
    network = sample(1, 3, random.Random(0))
    snapshot = Snapshot(
        epoch=1,
        step=1,
        architecture=network,
        path=network.path,
        alpha=((1.0,),),
        beta=((1.0,),),
        alpha_entropy=1.0,
        beta_entropy=1.0,
        supernet_miou=0.5,
        train_loss=1.0,
        architecture_loss=None,
        device_seconds=1.0,
        finished=False,
    )
    bilevel = BilevelSpec(dataset="scenes", crop=(65, 65))
    found, _ = service.store.create_search(AutoDeepLabSpec(name="trellis", bilevel=bilevel))
    attempt = service.store.begin_driver(found.id)
    service.store.add_snapshot(found.id, attempt, 0, 1, snapshot.model_dump(mode="json"))
    service.store.create_search(ReferenceSpec(name="heads", fidelity=Fidelity(dataset="scenes")))
