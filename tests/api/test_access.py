"""Who may use the service: token, loopback, other sites' pages."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from api.middleware.auth import check_binding
from nas.client import is_loopback

TOKEN = "a-secret-of-enough-length"


@pytest.fixture
def guarded(serve, home):
    return serve(home.model_copy(update={"token": SecretStr(TOKEN)}))


@pytest.mark.slow
def test_a_token_is_needed_for_all_but_health_and_pages(guarded):
    for header in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
    ):
        for path in ("/v1/searches", "/v1/spaces", "/v1/nothing", "/v1/searches/s000000000000/events"):
            reply = httpx.get(guarded.url + path, headers=header)
            assert reply.status_code == 401, (header, path)
            assert reply.headers["WWW-Authenticate"] == "Bearer"
            assert "bearer token" in reply.json()["detail"]
    refused = httpx.post(f"{guarded.url}/v1/searches", content=b"not even JSON")
    assert refused.status_code == 401
    for path in ("/healthz", "/v1/healthz", "/", "/docs", "/openapi.json", "/static/app.js"):
        assert httpx.get(guarded.url + path).status_code == 200, path
    assert guarded.http.get("/v1/searches").status_code == 200


def test_readiness_tells_strangers_no_addresses(serve, home):
    guarded = serve(
        home.model_copy(update={"token": SecretStr(TOKEN), "ray_dashboard_public": "http://inside.example:8265"})
    )
    assert httpx.get(f"{guarded.url}/readyz").json()["ray_dashboard"] is None
    assert guarded.http.get("/readyz").json()["ray_dashboard"] == "http://inside.example:8265"


def test_other_sites_pages_may_not_use_a_service_without_a_token(service):
    assert service.http.get("/healthz", headers={"Host": "rebound.example"}).status_code == 421
    for origin in ("https://evil.example", "null"):
        reply = service.http.post("/v1/searches/s000000000000/stop", headers={"Origin": origin})
        assert reply.status_code == 403, origin
    for origin in (service.url, "http://localhost:3000"):
        reply = service.http.post("/v1/searches/s000000000000/stop", headers={"Origin": origin})
        assert reply.status_code == 404, origin


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.7", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_what_is_loopback(host, own):
    assert is_loopback(host) is own


def test_binding_beyond_this_machine_needs_a_token(home):
    check_binding(home)
    wide = home.model_copy(update={"host": "0.0.0.0"})
    with pytest.raises(ValueError, match=r"refusing to serve on 0\.0\.0\.0 without a token"):
        check_binding(wide)
    with pytest.raises(ValueError, match="too short"):
        check_binding(wide.model_copy(update={"token": SecretStr("short")}))
    guarded = wide.model_copy(update={"token": SecretStr(TOKEN)})
    check_binding(guarded)
    with pytest.raises(ValueError, match="SEGNAS_METRICS_TOKEN is too short"):
        check_binding(guarded.model_copy(update={"metrics_token": SecretStr("short")}))
