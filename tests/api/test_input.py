"""Bad input: 422 with the field's path and a sentence, 413 for too much, and nothing half-stored."""

from __future__ import annotations

import concurrent.futures
import copy
import gzip
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from api.middleware.body import BodyLimit

JSON = {"Content-Type": "application/json"}


def changed(spec, path, value):
    spec = copy.deepcopy(spec)
    *parents, last = path.split(".")
    place = spec
    for step in parents:
        place = place.setdefault(step, {})
    place[last] = value
    return spec


def refused(reply, status=422):
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    body = reply.json()
    assert body["status"] == status
    assert body["detail"]
    return body


@pytest.fixture(autouse=True)
def _nothing_is_stored(service) -> Iterator[None]:
    before = service.store.list_searches(limit=1000).items
    yield
    assert service.store.list_searches(limit=1000).items == before


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("trials", 0, "greater than or equal to 1"),
        ("trails", 5, "did you mean trials"),
        ("fidelity.rungs", [200, 100], "rungs must be strictly ascending, not [200, 100]"),
        ("fidelity.crop", [500, 500], "does not fit output stride 16"),
        ("fidelity.dataset", "other", "known are: scenes"),
        ("fidelity.dataset", "../etc", "should match pattern"),
        ("fidelity.dataset", "/etc/passwd", "should match pattern"),
        ("fidelity.backbone.weights", "mine", "known are: mobilenet"),
        ("fidelity.backbone.weights", "imagenet", "known are: mobilenet"),
        ("fidelity.backbone", {"name": "hf:mine"}, "weights 'mine' is not registered here; known are: mobilenet"),
        ("fidelity.backbone", {"name": "hf:mobilenet", "weights": "x"}, "weights 'x' is not registered here"),
        ("fidelity.backbone", {"name": "hf:org/net"}, "org/net is on the hub, which this server may not ask"),
        ("fidelity.backbone.blocs", 5, "did you mean blocks"),
        ("strategy", {"name": "dpc", "near_bst": 0.5}, "did you mean near_best"),
        ("strategy", {"name": "magic"}, "'magic' is not known here"),
        ("strategy", {}, "required"),
        ("fidelity", "scenes", "mapping"),
        ("name", "a\nb", "should match pattern"),
        ("name", "\ud800", "unicode"),
        ("seed", 2**63, "less than or equal"),
        ("trials", True, "valid integer, not true"),
        ("trials", "010", "valid integer, not the text '010'"),
        ("trials", 8.0, "valid integer, not the number 8.0"),
        ("fidelity.class_weighting", "0.5", "valid number, not the text '0.5'"),
        ("fidelity.label_stride", True, "valid integer, not true"),
        ("resources", {"reuse_workers": "yes"}, "valid boolean, not the text 'yes'"),
    ],
)
def test_a_wrong_field_is_named(service, path, value, sentence):
    body = json.dumps(changed(service.spec, path, value))
    problem = refused(service.http.post("/v1/searches", content=body, headers=JSON))
    (error,) = problem["errors"]
    wanted = {
        "strategy": ("strategy.near_bst", "strategy.name"),
        "fidelity.backbone": ("fidelity.backbone.name", "fidelity.backbone.weights"),
        "resources": ("resources.reuse_workers",),
    }.get(path, (path,))
    assert error["path"] in wanted
    assert sentence in error["message"]


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"levels": [8, 16]}, "space.levels is [8, 16], but fidelity.backbone.levels is null"),
        ({"limit": {"parameters": 10}}, "no cell of 5 branches is within space.limit: the smallest has"),
    ],
)
def test_a_space_that_does_not_fit_the_fidelity_is_named(service, space, sentence):
    spec = changed(service.spec, "space", {"kind": "dense_cell", **space})
    (error,) = refused(service.http.post("/v1/searches", json=spec))["errors"]
    assert sentence in error["message"]


def test_every_wrong_field_is_named_at_once(service):
    spec = changed(changed(service.spec, "trials", -1), "fidelity.rungs", [])
    problem = refused(service.http.post("/v1/searches", json=spec))
    assert {error["path"] for error in problem["errors"]} == {"trials", "fidelity.rungs"}


def test_many_wrong_fields_do_not_make_a_long_answer(service):
    spec = {**service.spec, **{f"field-{index}-{'x' * 20}": index for index in range(20_000)}}
    reply = service.http.post("/v1/searches", json=spec)
    problem = refused(reply)
    assert len(reply.request.content) > 700_000
    assert len(reply.content) < 20_000
    assert len(problem["errors"]) == 21
    assert problem["errors"][-1] == {"path": "", "message": "and 19980 more"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(service, number):
    body = json.dumps(changed(service.spec, "fidelity.class_weighting", 0.125)).replace("0.125", number)
    problem = refused(service.http.post("/v1/searches", content=body, headers=JSON))
    assert "finite" in problem["detail"] or "not a JSON number" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "a JSON body is needed"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'"text"', "mapping"),
        (b"[]", "mapping"),
        (b"null", "needed"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"seed": ' + b"1" * 5000 + b"}", "too many digits"),
        (b'{"seed": ' + b"1" * 1_000_000 + b"}", "too many digits"),
        (b'{"name": "a", "name": "b"}', "the key 'name' stands in one object twice"),
        (b'{"seed": 010}', "not JSON"),
        (b"name: a search\ntrials: 20", "not JSON"),
        (b'{"a": ' * 900 + b"1" + b"}" * 900, "unknown field"),
        (b'{"rungs": [' + b"1," * 30_000 + b"1]}", "more than 25000 values"),
    ],
)
def test_what_is_no_spec_at_all(service, body, sentence):
    assert sentence in refused(service.http.post("/v1/searches", content=body, headers=JSON))["detail"]


def test_other_content_types_are_refused(service):
    reply = service.http.post("/v1/searches", content=json.dumps(service.spec), headers={"Content-Type": "text/plain"})
    assert "Content-Type: application/json" in refused(reply)["detail"]


def test_a_body_over_1_mib_is_refused(service):
    refused(service.http.post("/v1/searches", content=b" " * (2**20 + 1), headers=JSON), 413)


def test_a_chunked_body_over_1_mib_is_refused(service):
    chunks = (b" " * 65_536 for _ in range(17))
    reply = service.http.post("/v1/searches", content=chunks, headers=JSON)
    assert "Content-Length" not in reply.request.headers
    refused(reply, 413)


def test_a_body_of_1_mib_is_read(service):
    body = json.dumps({**service.spec, "trials": 0}).encode()
    padded = body + b" " * (2**20 - len(body))
    assert "trials" in refused(service.http.post("/v1/searches", content=padded, headers=JSON))["detail"]


HOSTILE: dict[str, dict[str, Any]] = {
    "unknown fields": {f"field-{index}-{'x' * 20}": index for index in range(20_000)},
    "unknown fields of the fidelity": {"fidelity": {f"field-{index}-{'x' * 20}": index for index in range(20_000)}},
    "wrong items": {"fidelity": {"dataset": "scenes", "rungs": ["x"] * 24_000}},
    "wrong levels": {"fidelity": {"dataset": "scenes", "backbone": {"levels": [0] * 24_000}}},
    "wrong heads": {"kind": "reference", "heads": [{"a": 1}] * 12_000},
    "wrong operators": {"kind": "auto_deeplab", "supernet": {"operators": ["x"] * 24_000}},
    "a long text": {"name": "x" * 1_000_000},
    "a long tag": {"strategy": {"name": "x" * 1_000_000}},
    "a long name of a field": {"x" * 1_000_000: 1},
    "many values": {"fidelity": {"dataset": "scenes", "rungs": [0] * 300_000}},
    "many small objects": {"heads": [{}] * 200_000},
}
"""Bodies of nearly a megabyte, in each of which something else is large."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_large_wrong_body_is_answered_soon_and_in_short(service, name):
    body = json.dumps({**service.spec, **HOSTILE[name]}).encode()
    assert len(body) < 2**20
    began = time.process_time()  # of the service too, which runs in this process
    reply = service.http.post("/v1/searches", content=body, headers=JSON)
    assert time.process_time() - began < 3.0
    assert len(refused(reply)["errors"]) <= 21
    assert len(reply.content) < 25_000


def test_the_service_answers_others_while_it_reads_a_large_wrong_body(service):
    body = json.dumps({**service.spec, **HOSTILE["wrong items"]}).encode()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(service.http.post, "/v1/searches", content=body, headers=JSON)
        assert service.http.get("/v1/healthz").status_code == 200
        refused(sent.result())


@pytest.mark.parametrize("path", ["/v1/calibrations", "/v1/searches/s0123456789ab/full-scale"])
def test_other_requests_are_bounded_too(service, path):
    body = json.dumps({f"field-{index}": index for index in range(20_000)}).encode()
    reply = service.http.post(path, content=body, headers=JSON)
    assert reply.status_code in (404, 422)
    assert len(reply.content) < 25_000


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "gzip, identity"])
def test_a_compressed_body_is_refused(service, encoding):
    content = gzip.compress(b" " * 10_000_000)
    reply = service.http.post("/v1/searches", content=content, headers={**JSON, "Content-Encoding": encoding})
    assert "without Content-Encoding" in refused(reply, 415)["detail"]


def test_a_body_that_never_ends_is_given_up(monkeypatch, home, serve):
    monkeypatch.setattr(BodyLimit.__init__, "__defaults__", (2**20, 0.3))
    service = serve(home)
    with socket.create_connection(("127.0.0.1", service.settings.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/searches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        answer = connection.recv(10_000)
    assert b" 408 " in answer.split(b"\r\n")[0]
