"""What Prometheus is told: counts by hand, of requests, events, the reconciler's steps and the record."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import httpx
import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.metrics import Metrics, Recorded
from nas.cache.tally import count
from nas.results.status import SearchStatus, TrialStatus
from nas.specs.tokens import Scope, TokenRequest
from nas.store import Store
from tests.api.told_cluster import ToldCluster
from workers.cluster.jobs import job_id

TOKEN, SCRAPER = "a-secret-of-enough-length", "the-secret-of-prometheus"
FORMAT = "text/plain; version=0.0.4; charset=utf-8"

Value = Callable[..., float | None]


def read(text: str) -> Value:
    """The value of a sample by its name and labels; None where it is not sent."""
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return lambda name, **labels: samples.get((f"segnas_{name}", frozenset(labels.items())))


def asked(service) -> Value:
    reply = service.http.get("/metrics")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, FORMAT)
    return read(reply.text)


def until(service, true: Callable[[Value], bool]) -> Value:
    """Ask until something is true: a thread of the service does it."""
    deadline = time.monotonic() + 60
    while not true(value := asked(service)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def test_what_is_recorded_is_counted(serve, home):
    service = serve(home)
    assert asked(service)("trials", status="completed") == 0
    search = service.search()
    service.trial(search, 0, 0.1, 0.2, end=TrialStatus.COMPLETED)  # 200 iterations take 4 device-seconds
    service.trial(search, 1, 0.1, end=TrialStatus.FAILED)
    service.trial(search, 2)
    service.search(running=False)
    value = asked(service)
    counts = {status: value("trials", status=status) for status in TrialStatus}
    assert counts == {"running": 1, "completed": 1, "pruned": 0, "failed": 1, "stopped": 0}
    assert {status: value("searches", status=status) for status in ("running", "queued", "failed")} == {
        "running": 1,
        "queued": 1,
        "failed": 0,
    }
    assert (value("device_seconds"), value("trials_adopted"), value("store_up")) == (6.0, 0, 1)
    assert value("ray_up") == 0  # there is none


def test_requests_are_counted_by_the_template_of_their_route(serve, home):
    service = serve(home)
    search = service.search()
    for path in (search, search, "s0123456789ab", "nonsense"):
        service.http.get(f"/v1/searches/{path}")
    service.http.get(f"/v1/searches/{search}/trials/7")
    service.http.get("/nowhere/s0123456789ab")
    service.http.request("MAKEUP", "/v1/searches")
    service.http.post("/v1/searches", json={"trials": "many"})
    service.http.get("/static/app.js")
    service.http.get("/healthz", headers={"Host": "rebound.example"})
    value = asked(service)
    route = "/v1/searches/{search_id}"
    assert value("http_requests_total", method="GET", route=route, status="200") == 2
    assert value("http_requests_total", method="GET", route=route, status="404") == 2
    assert value("http_requests_total", method="GET", route=f"{route}/trials/{{number}}", status="404") == 1
    assert value("http_requests_total", method="GET", route="none", status="404") == 1
    assert value("http_requests_total", method="other", route="/v1/searches", status="405") == 1
    assert value("http_requests_total", method="POST", route="/v1/searches", status="422") == 1
    assert value("http_requests_total", method="GET", route="/static", status="200") == 1
    assert value("http_requests_total", method="GET", route="none", status="421") == 1
    assert value("http_request_duration_seconds_count", method="GET", route=route) == 4
    assert value("http_request_duration_seconds_bucket", method="GET", route=route, le="+Inf") == 4
    assert asked(service)("http_requests_total", method="GET", route="/metrics", status="200") == 1


def test_the_answer_does_not_grow_with_what_is_recorded(serve, home):
    service = serve(home)
    lengths = []
    for trials in (0, 30):
        for number in range(trials):
            service.trial(service.search(), number, 0.1)
        service.http.get("/metrics")
        lengths.append(len(service.http.get("/metrics").text.splitlines()))
    assert lengths[0] == lengths[1]


@pytest.mark.parametrize("drawn", [False, True])
def test_the_delay_of_an_event_is_from_its_record_to_its_sending(serve, home, drawn):
    service = serve(home)
    search = service.search()
    service.trial(search, 0, 0.1)  # before the stream: part of its state, and no event that was waited for
    with (
        Store.open(service.settings.store_url, clock=lambda: time.time() - 20.0) as late,
        service.http.stream("GET", f"/v1/searches/{search}/events?drawn={str(drawn).lower()}") as reply,
    ):
        lines = reply.iter_lines()
        beginning = {"event: search", "event: scores" if drawn else "event: trial"}
        while beginning:
            beginning.discard(next(lines))
        value = asked(service)
        assert value("event_streams") == 1
        assert value("event_delay_seconds_count") == 0
        late.finish_trial(search, 0, 1, TrialStatus.FAILED, "out of memory")
        until(service, lambda value: value("event_delay_seconds_count") == 1)
    value = until(service, lambda value: value("event_streams") == 0)
    assert value("event_delay_seconds_bucket", le="15.0") == 0
    assert value("event_delay_seconds_bucket", le="60.0") == 1
    assert 20.0 <= (value("event_delay_seconds_sum") or 0) < 60.0


def test_clocks_that_differ_make_no_negative_delay():
    metrics = Metrics()
    metrics.sent(recorded_at=100.0, now=99.0)
    metrics.sent(recorded_at=100.0, now=100.3)
    value = read(generate_latest(metrics.registry).decode())
    assert value("event_delay_seconds_sum") == pytest.approx(0.3)
    assert value("event_delay_seconds_bucket", le="0.05") == 1


def test_the_reconcilers_steps_are_counted(serve, home):
    cluster = ToldCluster()
    service = serve(home, cluster)
    search = service.search(running=False)
    value = until(service, lambda value: value("reconciler_actions_total", action="begin") == 1)
    assert value("ray_up") == 1
    assert (value("reconciler_pass_duration_seconds_count") or 0) > 0
    service.store.driver_started(search, 1)
    cluster.fail(job_id(search, 1))
    value = until(service, lambda value: value("drivers_lost_total", fault="search") == 1)
    assert value("drivers_lost_total", fault="outside") == 0
    value = until(service, lambda value: value("reconciler_actions_total", action="replace") == 1)
    cluster.there = False
    until(service, lambda value: value("ray_up") == 0)


def test_a_pass_that_fails_is_counted(serve, home):
    class Broken(ToldCluster):
        def unreachable(self) -> str | None:
            raise RuntimeError("a bug")

    until(serve(home, Broken()), lambda value: (value("reconciler_failed_passes_total") or 0) >= 1)


def test_a_store_that_is_away_is_said_and_the_rest_is_told(tmp_path):
    metrics = Metrics()
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:  # without its tables it answers nothing
        metrics.registry.register(Recorded(store, tmp_path))
        value = read(generate_latest(metrics.registry).decode())
        assert value("store_up") == 0
        assert value("searches", status="running") is None
        assert value("cache_reads_total", entry="backbone", outcome="hit") == 0
        assert value("failed_passes_total") is None
        assert value("reconciler_failed_passes_total") == 0
        store.migrate()
        assert read(generate_latest(metrics.registry).decode())("store_up") == 1


def test_the_cache_of_the_home_folder_is_counted(serve, home):
    service = serve(home)
    assert asked(service)("cache_reads_total", entry="feature_bank", outcome="hit") is None  # there is no cache here
    (home.cache / "banks").mkdir(parents=True)
    for outcome in ("made", "hit", "hit"):
        count(home.cache / "banks" / "key", outcome)
    value = asked(service)
    assert value("cache_reads_total", entry="feature_bank", outcome="hit") == 2
    assert value("cache_reads_total", entry="feature_bank", outcome="made") == 1
    assert value("cache_reads_total", entry="backbone", outcome="hit") == 0


def test_metrics_need_the_token_or_their_own(serve, home):
    tokens = {"token": SecretStr(TOKEN), "metrics_token": SecretStr(SCRAPER)}
    service = serve(home.model_copy(update=tokens))
    for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {SCRAPER}"}):
        reply = httpx.get(f"{service.url}/metrics", headers=header)
        assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    for token in (TOKEN, SCRAPER):
        assert httpx.get(f"{service.url}/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    scraper = {"Authorization": f"Bearer {SCRAPER}"}
    for path in ("/v1/searches", "/v1/metrics", "/metrics/v1", "/v1"):
        assert httpx.get(service.url + path, headers=scraper).status_code in (401, 404), path
    assert httpx.get(f"{service.url}/v1/searches", headers=scraper).status_code == 401


def test_without_its_own_token_the_services_opens_the_metrics(serve, home):
    service = serve(home.model_copy(update={"token": SecretStr(TOKEN)}))
    assert httpx.get(f"{service.url}/metrics").status_code == 401
    assert service.http.get("/metrics").status_code == 200


@pytest.mark.parametrize("scope", Scope)
def test_a_token_of_every_scope_reads_the_metrics_until_it_is_revoked(serve, home, scope):
    service = serve(home.model_copy(update={"token": SecretStr(TOKEN)}))
    token, secret = service.store.create_token(TokenRequest(name="prometheus", scope=scope))
    shown = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{service.url}/metrics", headers=shown).status_code == 200
    service.store.revoke_token(token.id)
    assert httpx.get(f"{service.url}/metrics", headers=shown).status_code == 401


def test_routes_below_a_root_path_have_the_same_names(serve, home):
    service = serve(home.model_copy(update={"root_path": "/nas"}))
    search = service.search()
    for path in (f"/nas/v1/searches/{search}", f"/v1/searches/{search}", "/nas/static/app.js", "/nas/"):
        assert service.http.get(path).status_code == 200, path
    value = read(service.http.get("/nas/metrics").text)
    assert value("http_requests_total", method="GET", route="/v1/searches/{search_id}", status="200") == 2
    assert value("http_requests_total", method="GET", route="/static", status="200") == 1
    assert value("http_requests_total", method="GET", route="/", status="200") == 1


def test_an_odd_scraper_is_answered(service):
    for accept in ("application/openmetrics-text; version=x.y", "text/plain;version=1e9", "image/png", ""):
        reply = service.http.get("/metrics", headers={"Accept": accept})
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, FORMAT), accept
    with socket.create_connection(("127.0.0.1", service.settings.port)) as raw:
        raw.sendall(b"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
    assert service.http.get("/metrics?name=x").status_code == 422


def test_every_answer_has_the_id_of_its_request(service):
    given = service.http.get("/healthz", headers={"X-Request-ID": "from-the-proxy.1"})
    assert given.headers["X-Request-ID"] == "from-the-proxy.1"
    made = {service.http.get(path).headers["X-Request-ID"] for path in ("/healthz", "/nowhere", "/v1/searches")}
    assert len(made) == 3
    for odd in ("two words", "x" * 65, "\x00"):
        with socket.create_connection(("127.0.0.1", service.settings.port)) as raw:
            request = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: {odd}\r\nConnection: close\r\n\r\n"
            raw.sendall(request.encode())
            answer = b"".join(iter(lambda: raw.recv(4096), b""))
        assert odd.encode() not in answer


def test_searches_that_ended_stay_counted(serve, home):
    service = serve(home)
    search = service.search()
    service.finish(search)
    assert asked(service)("searches", status=SearchStatus.COMPLETED) == 1
