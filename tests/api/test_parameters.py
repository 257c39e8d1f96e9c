"""Parameters: what a route does not declare is refused, and what it declares is read as the type that it has."""

from __future__ import annotations

import re

import pytest

from tests.api.test_input import refused


def errors_of(reply) -> dict[str, str]:
    return {error["path"]: error["message"] for error in refused(reply)["errors"]}


@pytest.mark.parametrize(
    ("query", "suggestion"),
    [
        ("dryrun=true", "did you mean dry_run?"),
        ("dry-run=true", "did you mean dry_run?"),
        ("DRY_RUN=true", "did you mean dry_run?"),
        ("mesure=true", "did you mean measure?"),
        ("verbose=1", "known here: dry_run, measure, worth"),
        ("dry_run=true&zebra=1", "known here: dry_run, measure, worth"),
    ],
)
def test_a_misspelt_parameter_starts_no_search(service, query, suggestion):
    before = service.store.list_searches(limit=1000).items
    (message,) = errors_of(service.http.post(f"/v1/searches?{query}", json=service.spec)).values()
    assert message == f"unknown parameter; {suggestion}"
    assert service.store.list_searches(limit=1000).items == before


@pytest.mark.parametrize("text", ["1", "yes", "on", "True", "TRUE", "t", "", " true", "0", "no"])
def test_a_truth_value_is_true_or_false(service, text):
    reply = service.http.post("/v1/searches", params={"dry_run": text}, json=service.spec)
    assert "true or false is needed" in errors_of(reply)["dry_run"]


@pytest.mark.parametrize("text", ["010", "0x8", "1_000", " 8", "8 ", "8.0", "+8", "1e2", "٨", "true", ""])
def test_an_integer_has_decimal_digits_alone(service, text):
    reply = service.http.get("/v1/searches", params={"limit": text})
    assert "an integer in decimal digits is needed" in errors_of(reply)["limit"]


def test_what_is_well_formed_is_taken(service):
    assert service.http.get("/v1/searches", params={"limit": "8", "kind": "black_box"}).status_code == 200
    assert service.http.post("/v1/searches", params={"dry_run": "true"}, json=service.spec).status_code == 200


def test_a_parameter_is_given_once(service):
    reply = service.http.get("/v1/searches?limit=1&limit=2")
    assert errors_of(reply) == {"limit": "this parameter is given 2 times; give it once"}


@pytest.mark.parametrize("number", ["010", "1_0", "+1", "1.0"])
def test_a_number_in_the_path_is_one(service, number):
    search = service.search()
    errors = errors_of(service.http.get(f"/v1/searches/{search}/trials/{number}"))
    assert "an integer in decimal digits is needed" in errors["number"]


def test_many_unknown_parameters_make_a_short_answer(service):
    reply = service.http.get("/v1/searches?" + "&".join(f"p{index}=1" for index in range(5000)))
    assert len(refused(reply)["errors"]) == 21
    assert len(reply.content) < 10_000


def test_every_route_refuses_what_it_does_not_declare(service):
    search = service.search()
    paths = service.http.get("/openapi.json").json()["paths"]
    called = [(method, path) for path, item in paths.items() for method in item]
    assert len(called) > 20
    for method, path in [*called, ("get", "/healthz"), ("get", "/readyz")]:
        address = re.sub(r"{\w+}", "0", path.replace("{search_id}", search))
        reply = service.http.request(
            method, f"{address}?zebra=1", json={} if method in ("post", "put", "patch") else None
        )
        # A wrong body or an id that is not there may be found first.
        assert "zebra" in reply.text or reply.status_code in (404, 409, 422), (method, path, reply.text)
        assert reply.status_code >= 400, (method, path)
    assert service.http.get(f"/v1/searches/{search}?zebra=1").status_code == 422


def test_a_refused_method_names_all_that_are_there(service):
    assert service.http.put("/v1/searches").headers["Allow"] == "GET, POST"
    assert service.http.delete("/v1/calibrations").headers["Allow"] == "GET, POST"
    assert service.http.post("/v1/healthz").headers["Allow"] == "GET"
