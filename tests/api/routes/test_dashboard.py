"""The door to the Ray dashboard: who gets Ray's token, and who does not."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from tests.api.told_cluster import ToldCluster
from tests.conftest import Service

TOKEN = "a-secret-of-enough-length"


@pytest.fixture
def cluster():
    return ToldCluster()


@pytest.fixture
def at(home, serve, cluster):
    """A service whose dashboard is at an address, with a token of its own unless it is taken away."""

    def start(**changes: object) -> Service:
        settings = {"token": SecretStr(TOKEN), "ray_dashboard": "http://127.0.0.1:8265", **changes}
        return serve(home.model_copy(update=settings), cluster)

    return start


def test_who_shows_the_services_token_gets_rays(at, cluster):
    service = at()
    reply = service.http.post("/v1/dashboard")
    assert reply.json() == {"url": "http://127.0.0.1:8265", "token": cluster.token, "signed_in": True}
    (cookie,) = reply.headers.get_list("Set-Cookie")
    assert cookie == f"ray-authentication-token={cluster.token}; HttpOnly; Path=/; SameSite=strict"
    stranger = httpx.post(f"{service.url}/v1/dashboard")
    assert (stranger.status_code, "Set-Cookie" in stranger.headers, cluster.token in stranger.text) == (
        401,
        False,
        False,
    )


def test_another_host_name_gets_no_cookie(at, cluster):
    reply = at(ray_dashboard_public="https://ray.example").http.post("/v1/dashboard")
    assert reply.json() == {"url": "https://ray.example", "token": cluster.token, "signed_in": False}
    assert "Set-Cookie" not in reply.headers


def test_a_service_without_a_token_knows_nobody(at, cluster):
    reply = at(token=None).http.post("/v1/dashboard")
    assert (reply.status_code, cluster.token in reply.text) == (403, False)
    assert "segnas dashboard" in reply.json()["detail"]


def test_it_can_be_forbidden(at, cluster):
    reply = at(dashboard_sign_in=False).http.post("/v1/dashboard")
    assert (reply.status_code, cluster.token in reply.text) == (403, False)


def test_without_rays_token_there_is_nothing_to_give(at, cluster):
    cluster.token = None
    for token in (SecretStr(TOKEN), None):
        reply = at(token=token).http.post("/v1/dashboard")
        assert reply.json() == {"url": "http://127.0.0.1:8265", "token": None, "signed_in": False}


def test_no_cluster_and_no_answer(at, cluster, service):
    assert service.http.post("/v1/dashboard").status_code == 404
    own = at()
    cluster.there = False
    assert own.http.post("/v1/dashboard").status_code == 503


def test_who_brings_rays_token_is_signed_in(at, cluster):
    service = at(token=None)
    # As a page that was opened from a file sends it.
    reply = service.http.post("/dashboard", data={"token": cluster.token}, headers={"Origin": "null"})
    assert (reply.status_code, reply.headers["Location"]) == (303, "http://127.0.0.1:8265")
    assert reply.headers["Set-Cookie"].startswith(f"ray-authentication-token={cluster.token}; HttpOnly")


@pytest.mark.parametrize("form", [{"token": "wrong"}, {"token": ""}, {}, {"token": "\u00fc"}])
def test_who_brings_another_is_not(at, form):
    reply = at(token=None).http.post("/dashboard", data=form)
    assert (reply.status_code, "Set-Cookie" in reply.headers) == (403, False)


def test_other_pages_may_still_not_use_the_service(at):
    service = at(token=None)
    assert service.http.post("/v1/dashboard", headers={"Origin": "null"}).status_code == 403
    assert service.http.post("/dashboard", headers={"Origin": "https://evil.example"}).status_code == 403
