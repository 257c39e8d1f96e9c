"""The OpenAPI document: its examples are run against the service as they would be pasted."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from pydantic import SecretStr

from api.app import create_app
from api.openapi.examples import CURL
from nas.results.snapshot import Snapshot
from nas.results.status import TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec, Fidelity, ReferenceSpec
from nas.specs.tokens import Scope, TokenRequest
from tests.builders import predictions


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


def test_operations_have_short_names(document):
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(ids)) == len(ids)
    for name in ids:
        assert re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name), name
    assert {"create_search", "list_searches", "get_search", "list_trials", "best_trial", "get_ranking"} <= set(ids)


ERRORS = {
    "create_search": {408, 409, 413, 415, 422, 503},
    "list_searches": {422, 503},
    "compare_searches": {404, 422, 503},
    "get_search": {404, 422, 503},
    "stop_search": {404, 409, 422, 503},
    "pause_search": {404, 409, 422, 503},
    "resume_search": {404, 409, 422, 503},
    "extend_search": {404, 408, 409, 413, 415, 422, 503},
    "edit_search": {404, 408, 413, 415, 422, 503},
    "delete_search": {404, 409, 422, 503},
    "watch_search": {404, 422, 503},
    "read_logs": {404, 422, 503},
    "list_trials": {404, 422, 503},
    "get_pareto_set": {404, 422, 503},
    "get_trial": {404, 422, 503},
    "draw_trial": {404, 422, 503},
    "best_trial": {404, 409, 422, 503},
    "list_panels": {404, 422, 503},
    "list_trial_panels": {404, 422, 503},
    "report_search": {404, 422, 503},
    "list_predictions": {404, 422, 503},
    "show_prediction": {404, 422, 503},
    "list_snapshots": {404, 409, 422, 503},
    "get_snapshot": {404, 409, 422, 503},
    "draw_snapshot": {404, 409, 422, 503},
    "compare_heads": {404, 409, 422, 503},
    "measure_at_full_scale": {404, 408, 409, 413, 415, 422, 503},
    "get_ranking": {404, 409, 422, 503},
    "confirm_search": {404, 408, 409, 413, 415, 422, 503},
    "get_confirmation": {404, 409, 422, 503},
    "ask_search_worth": {404, 409, 422, 503},
    "get_search_worth": {404, 409, 422, 503},
    "create_calibration": {408, 409, 413, 415, 422, 503},
    "list_calibrations": {422, 503},
    "get_calibration": {404, 422, 503},
    "list_spaces": {422},
    "list_datasets": {422},
    "propose_first_search": {422},
    "open_dashboard": {403, 404, 422, 503},
    "get_access": {422, 503},
    "create_token": {408, 409, 413, 415, 422, 503},
    "list_tokens": {422, 503},
    "get_token": {404, 422, 503},
    "limit_token": {404, 408, 413, 415, 422, 503},
    "revoke_token": {404, 422, 503},
    "alive": {422},
    "ready": {422, 503},
}
"""What an operation can answer with beside success, whoever asks."""


def errors_of(document) -> dict[str, set[int]]:
    return {
        operation["operationId"]: {int(status) for status in operation["responses"] if status >= "4"}
        for operation in operations(document).values()
    }


def test_every_operation_says_which_errors_it_can_answer(document, home):
    assert errors_of(document) == {name: errors | {403, 421} for name, errors in ERRORS.items()}
    guarded = create_app(home.model_copy(update={"token": SecretStr("a-secret-of-enough-length")})).openapi()
    assert errors_of(guarded) == {name: errors | of_tokens(name) for name, errors in ERRORS.items()}


def of_tokens(name: str) -> set[int]:
    if name in ("alive", "ready"):
        return set()
    reads = name.startswith(("list_", "get_", "draw_", "read_", "compare_", "propose_")) or name in READS
    return {401, 429} if reads and name not in ("list_tokens", "get_token") else {401, 403, 429}


READS = ("watch_search", "best_trial", "report_search", "show_prediction")


def test_errors_are_described_in_their_form(document):
    for operation in operations(document).values():
        for status, response in operation["responses"].items():
            if status >= "4" and (operation["operationId"], status) != ("ready", "503"):
                (media,) = response["content"].items()
                assert media == ("application/problem+json", {"schema": {"$ref": "#/components/schemas/Problem"}})
    assert not {"HTTPValidationError", "ValidationError"} & document["components"]["schemas"].keys()


def test_what_is_answered_is_described(service, document):
    """One request for every kind of error, and the answer's own form against the document."""
    search = service.search()
    differentiable, _ = service.store.create_search(
        AutoDeepLabSpec(name="trellis", bilevel=BilevelSpec(dataset="scenes", crop=(65, 65)))
    )
    requests: list[tuple[int, str, str, dict[str, Any]]] = [
        (403, "get", "/v1/spaces", {"headers": {"Origin": "https://evil.example"}}),
        (421, "get", "/v1/searches", {"headers": {"Host": "rebound.example"}}),
        (404, "get", "/v1/searches/s000000000000", {}),
        (404, "get", f"/v1/searches/{search}/best", {}),
        (404, "get", f"/v1/calibrations/{search}", {}),
        (409, "get", f"/v1/searches/{search}/heads", {}),
        (409, "get", f"/v1/searches/{search}/snapshots", {}),
        (409, "get", f"/v1/searches/{search}/ranking", {}),
        (409, "get", f"/v1/searches/{search}/confirmation", {}),
        (409, "post", f"/v1/searches/{search}/confirmation", {"json": {}}),
        (409, "get", f"/v1/searches/{search}/worth", {}),
        (409, "post", f"/v1/searches/{differentiable.id}/worth", {}),
        (409, "post", f"/v1/searches/{differentiable.id}/full-scale", {"json": {"fidelity": {"dataset": "scenes"}}}),
        (413, "post", "/v1/searches", {"content": b" " * (2**20 + 1), "headers": {"Content-Type": "application/json"}}),
        (413, "post", "/v1/calibrations", {"content": b" " * (2**20 + 1)}),
        (422, "post", "/v1/searches", {"json": {**service.spec, "trials": 0}}),
        (422, "get", "/v1/searches", {"params": {"cursor": "?"}}),
        (422, "get", f"/v1/searches/{search}/trials/-1", {}),
        (503, "get", f"/v1/searches/{search}/logs", {}),
    ]
    for status, method, path, request in requests:
        reply = service.http.request(method, path, **request)
        assert reply.status_code == status, (method, path, reply.text)
        template = re.sub(r"s[0-9a-f]{12}", "{search_id}", path).replace("/-1", "/{number}")
        response = operations(document)[method, template]["responses"][str(status)]
        (media,) = response["content"]
        assert reply.headers["Content-Type"] == media
        check(document, response["content"][media]["schema"], reply.json())


def check(document, schema, value) -> None:
    """jsonschema.ValidationError for a value that is not of the schema."""
    Draft202012Validator({**document, **schema}).validate(value)


def test_every_example_is_of_its_schema(document):
    seen = 0
    for operation in operations(document).values():
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media in (media for content in contents for media in content.get("content", {}).values()):
            examples = [media["example"]] if "example" in media else []
            examples += [example["value"] for example in media.get("examples", {}).values()]
            for example in examples:
                check(document, media["schema"], example)
                seen += 1
    assert seen == 10


def test_the_schema_refuses_what_the_service_refuses(document):
    """So that the test above can fail."""
    body = document["paths"]["/v1/searches"]["post"]["requestBody"]["content"]["application/json"]
    for change in ({"trials": 0}, {"trails": 5}, {"strategy": {"name": "magic"}}, {"fidelity": "fast"}):
        with pytest.raises(ValidationError):
            check(document, body["schema"], {**body["example"], **change})
    check(document, body["schema"], {**body["example"], "fidelity": "s0123456789ab/short"})


def schemas(node) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for key, child in node.items():
            if key not in ("example", "examples"):
                yield from schemas(child)
    elif isinstance(node, list):
        for child in node:
            yield from schemas(child)


def test_no_default_is_an_object(document):
    for schema in schemas(document):
        default = schema.get("default")
        assert not isinstance(default, dict), schema
        assert not (isinstance(default, list) and any(isinstance(item, dict) for item in default)), schema
    early_stopping = document["components"]["schemas"]["BlackBoxRequest"]["properties"]["early_stopping"]
    assert early_stopping["description"] == 'By default `{"reduction": 3.0}`.'


def test_unions_of_models_have_names_and_are_told_apart_by_a_required_property(document):
    components = document["components"]["schemas"]
    named = {id(schema) for schema in components.values()}
    unions = {}
    for schema in schemas(document):
        for members in (schema.get("oneOf"), schema.get("anyOf")):
            models = [member["$ref"].rsplit("/", 1)[1] for member in members or () if "$ref" in member]
            if len([model for model in models if "properties" in components[model]]) > 1:
                assert id(schema) in named, schema
                unions[next(name for name, known in components.items() if known is schema)] = (schema, models)
    known = {"SearchRequest", "Spec", "Strategy", "Choice", "BestOrExplicit", "Head", "Operator", "TrunkUnit", "Panel"}
    assert set(unions) == known | {"SinglePanel", "EarlyStopping", "AnySpace", "SearchedArchitecture"}
    # Its oldest member may lack the property that the others need, as it did before there were others.
    _, rules = unions.pop("EarlyStopping")
    assert [components[rule].get("required", []).count("name") for rule in rules] == [0, 1, 1, 1]
    for schema, models in unions.values():
        tag, mapping = schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
        assert sorted(mapping.values()) == sorted(f"#/components/schemas/{model}" for model in models)
        for value, reference in mapping.items():
            member = components[reference.rsplit("/", 1)[1]]
            assert member["properties"][tag]["const"] == value
            assert "default" not in member["properties"][tag]
            assert tag in member["required"]


def test_schemas_have_names_that_can_be_read(document):
    for name in document["components"]["schemas"]:
        assert re.fullmatch(r"([A-Z][a-z0-9]*)+", name), name
    assert {"SearchPage", "TrialPage", "NamedFidelity", "Problem"} <= document["components"]["schemas"].keys()


@pytest.mark.slow
def test_the_curl_lines_work_when_pasted(service, document, snapshot_at, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # for what the lines save
    # One search of each kind is there; the spec is posted last, and the others speak of the newest. Then what makes
    # newer ones.
    _one_of_each_kind(service, snapshot_at(1))
    lines = {key: operation["x-codeSamples"][0]["source"] for key, operation in operations(document).items()}
    service.store.create_token(TokenRequest(name="ci", scope=Scope.READ))
    created = json.loads(paste(lines.pop(("post", "/v1/searches"))))
    assert created["status"] == "queued"
    service.store.begin_driver(created["id"])
    service.store.driver_started(created["id"], 1)
    for number in range(4):
        service.trial(created["id"], number, 0.25, 0.5 + number / 10, end=TrialStatus.COMPLETED)
    service.store.record_predictions(created["id"], 0, 1, predictions())
    events = threading.Timer(1.0, service.finish, [created["id"]])  # curl -N ends with the search
    stop = lines.pop(("post", "/v1/searches/{search_id}/stop"))
    newer = {
        key: lines.pop(key)
        for key in list(lines)
        if key[1].endswith(("full-scale", "ranking", "confirmation", "worth")) or "calib" in key[1]
    }
    later = {
        verb: lines.pop((method, f"/v1/searches/{{search_id}}{path}"))
        for verb, method, path in (
            ("edit", "patch", ""),
            ("extend", "post", "/extend"),
            ("pause", "post", "/pause"),
            ("resume", "post", "/resume"),
            ("delete", "delete", ""),
        )
    }
    for (method, path), line in lines.items():
        if path.endswith("/events"):
            events.start()
        output = paste(line)
        if path.endswith("/events"):
            assert output.startswith("event: search\n")
            assert "\nevent: end\n" in output
        elif path.endswith("/{layer}"):
            assert (output, (tmp_path / "prediction.png").read_bytes()) == ("", predictions().maps[0])
        elif path.endswith("/drawing"):
            assert output.startswith("<svg "), (method, path, output)
        elif path.endswith("/report"):
            assert output.startswith("<!doctype html>"), (method, path, output)
        elif path.endswith("/logs"):
            assert "no cluster is configured" in output
        elif (method, path) in REFUSED:
            assert REFUSED[method, path] in json.loads(output)["detail"]
        else:
            assert "detail" not in json.loads(output), (method, path, output)
    assert json.loads(paste(stop))["status"] == 409
    for (method, path), line in newer.items():
        reply = json.loads(paste(line))
        assert REFUSED.get((method, path), "") in reply.get("detail", ""), (method, path, reply)
        assert ("detail" in reply) == ((method, path) in REFUSED), (method, path, reply)
    assert len(newer) == 9
    for verb in ("edit", "extend", "pause", "resume", "pause"):
        assert "detail" not in (reply := json.loads(paste(later[verb]))), (verb, reply)
    assert not paste(later["delete"])


REFUSED = {
    ("post", "/v1/tokens"): "this service asks nobody for a token",
    ("post", "/v1/dashboard"): "no Ray cluster",
    ("get", "/v1/searches/{search_id}/worth"): "asked, and not answered yet",
}
"""What a service without a token and without a cluster says to some lines."""


def paste(line: str) -> str:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=30).stdout


@pytest.mark.parametrize(
    "path",
    [
        "/v1/searches",
        "/v1/searches/{search_id}/full-scale",
        "/v1/searches/{search_id}/confirmation",
        "/v1/calibrations",
    ],
)
def test_the_body_examples_are_accepted(service, document, path):
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    search = service.search()
    for number in range(4):
        service.trial(search, number, 0.25, 0.5, end=TrialStatus.COMPLETED)
    reply = service.http.post(path.replace("{search_id}", search), json=body["example"])
    assert reply.status_code == 201, reply.text


def _one_of_each_kind(service, snapshot: Snapshot) -> None:
    """A differentiable search with a snapshot, a reference search."""
    bilevel = BilevelSpec(dataset="scenes", crop=(65, 65))
    found, _ = service.store.create_search(AutoDeepLabSpec(name="trellis", bilevel=bilevel))
    attempt = service.store.begin_driver(found.id)
    service.store.add_snapshot(found.id, attempt, 0, snapshot)
    service.store.create_search(ReferenceSpec(name="heads", fidelity=Fidelity(dataset="scenes")))
