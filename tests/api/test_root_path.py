"""A service below a path of a proxy's, and pages of other sites."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from api.middleware.auth import check_binding
from nas.settings import read_settings

OWN = "the-service's-own-token"
BELOW = {"root_path": "/segnas", "token": SecretStr(OWN)}


@pytest.fixture(params=["passed on", "left out"])
def below(request, serve, home):
    """A service below /segnas, and a function that makes a path as the proxy sends it on."""
    service = serve(home.model_copy(update=BELOW))
    prefix = "/segnas" if request.param == "passed on" else ""
    return service, lambda path: prefix + path


def test_every_path_works_with_the_root_path_and_without(below, monkeypatch):
    monkeypatch.setattr("api.creation.check", lambda *_: None)
    service, at = below
    for path in ("/", "/docs", "/openapi.json", "/static/app.js", "/healthz", "/v1/healthz", "/v1/searches"):
        assert service.http.get(at(path)).status_code == 200, path
    made = service.http.post(at("/v1/searches"), json=service.spec)
    assert made.headers["Location"] == f"/segnas/v1/searches/{made.json()['id']}"
    assert service.http.get(made.headers["Location"]).json()["id"] == made.json()["id"]
    assert service.http.get(at("/openapi.json")).json()["servers"] == [{"url": "/segnas"}]


def test_no_way_to_write_a_path_goes_round_the_token(below):
    service, at = below
    for path in ("/v1/searches", "/v1//searches", "//v1/searches", "/segnas/v1/searches", "/v1/../v1/searches"):
        reply = service.http.get(at(path), headers={"Authorization": "Bearer wrong"})
        assert reply.status_code in (401, 404), (path, reply.text)
        assert "items" not in reply.text


def test_pages_name_what_they_load_relative_to_themselves(below):
    service, at = below
    for page in ("/", "/docs"):
        text = service.http.get(at(page)).text
        assert 'src="static/' in text
        assert '"/' not in text


@pytest.mark.parametrize("path", ["segnas", "/a b", "//", "/x/../y?", "/v1", "/v1/x"])
def test_a_root_path_that_is_none_is_refused(path, tmp_path):
    with pytest.raises(ValueError, match="root_path"):
        read_settings(home=tmp_path, root_path=path)
    assert read_settings(home=tmp_path, root_path="/segnas/").root_path == "/segnas"


def test_pages_of_other_sites_have_no_access_by_default(serve, home):
    service = serve(home.model_copy(update={"token": SecretStr(OWN)}))
    origin = {"Origin": "https://tools.example"}
    asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    simple = service.http.get("/v1/spaces", headers=origin)
    preflight = service.http.options("/v1/spaces", headers=asked)
    assert not [name for name in (*simple.headers, *preflight.headers) if name.startswith("access-control-")]
    assert preflight.status_code != 200


def test_pages_of_sites_that_are_named_have(serve, home):
    update = {"token": SecretStr(OWN), "cors_origins": ("https://tools.example",)}
    service = serve(home.model_copy(update=update))
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    reply = httpx.options(f"{service.url}/v1/searches", headers={"Origin": "https://tools.example", **asked})
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (200, "https://tools.example")
    assert "access-control-allow-credentials" not in reply.headers
    reply = service.http.get("/v1/searches", headers={"Origin": "https://tools.example"})
    assert reply.headers["Access-Control-Allow-Origin"] == "https://tools.example"
    reply = service.http.get("/v1/searches", headers={"Origin": "https://tools.example", "Authorization": "Bearer no"})
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (401, "https://tools.example")
    evil = service.http.get("/v1/searches", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in evil.headers


def test_they_need_a_token(home, tmp_path):
    with pytest.raises(ValueError, match=r"pages of https://a\.example use a service without a token"):
        check_binding(home.model_copy(update={"cors_origins": ("https://a.example",)}))
    for wrong in ("*", "a.example", "https://a.example/", "https://*.example"):
        with pytest.raises(ValueError, match="cors_origins"):
            read_settings(home=tmp_path, cors_origins=[wrong])
