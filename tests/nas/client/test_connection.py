"""Requests that are lost, sent again, sent by the wrong way, or have something odd in them."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from nas.client import Client, ClientError
from tests.nas.client.conftest import answer, hang_up

ID = "s000000000000"
HEALTH = answer(200, '{"status": "ok", "version": "1"}', "application/json")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture
def no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def quick(monkeypatch):
    """No pauses between attempts."""
    monkeypatch.setattr("nas.client.outage.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("nas.client.outage.LONGEST_PAUSE", 0.01)


def refused(status: int, **headers: str):
    problem = {"title": "x", "status": status, "detail": "not now"}
    return answer(status, json.dumps(problem), "application/problem+json", **headers)


@pytest.mark.parametrize(
    "lost", [hang_up, answer(502), answer(503), answer(504, "<html>", "text/html"), refused(503, Retry_After="1")]
)
def test_a_post_is_sent_again_with_its_key(stranger, quick, service, lost):
    search = service.http.get(f"/v1/searches/{service.search()}").content
    found = answer(201, search, "application/json")
    with Client(stranger.url) as client:
        stranger.answers(lost, lost, found)
        client.create_search({"name": "x"})
        first, *others = stranger.keys()
        assert len(others) == 2
        assert first
        assert set(others) == {first}
        stranger.answers(lost, found)
        client.create_search({"name": "x"}, "mine")
        assert stranger.keys() == ["mine", "mine"]
        stranger.answers(found)
        client.create_search({"name": "x"})
        assert stranger.keys()[0] not in (first, "mine")


def test_every_post_has_a_key(stranger, service):
    search = service.http.get(f"/v1/searches/{service.search()}").content
    stranger.answers(answer(201, search, "application/json"))
    with Client(stranger.url) as client:
        client.create_search({})
        client.measure({})
        client.stop(ID)
        client.full_scale(ID, {})
    assert [method for method, _, _ in stranger.asked] == ["POST"] * 4
    keys = set(stranger.keys())
    assert len(keys) == 4
    assert None not in keys


def test_what_may_have_been_taken_is_told(stranger, quick):
    stranger.answers(hang_up)
    with Client(stranger.url, patience=1.0) as client:
        with pytest.raises(ClientError) as error:
            client.create_search({"name": "x"}, "mine")
        sentence = str(error.value)
        assert "the request may have been taken; ask again with the same idempotency key (--key mine)" in sentence
        assert "segnas serve" not in sentence
        assert len(stranger.asked) > 2
        with pytest.raises(ClientError) as reading:
            client.search(ID)
        assert "may have been taken" not in str(reading.value)
        with pytest.raises(ClientError) as rehearsal:
            client.forecast({"name": "x"})
        assert "may have been taken" not in str(rehearsal.value)


def test_a_request_that_times_out_may_have_been_taken(stranger, monkeypatch):
    monkeypatch.setattr("nas.client.connection.READ_SECONDS", 0.2)
    stranger.answers(lambda _: time.sleep(0.5))
    with Client(stranger.url, patience=0.0) as client, pytest.raises(ClientError) as error:
        client.stop(ID)
    assert "has not answered within 0.2 s: the request may have been taken" in str(error.value)


def test_what_waiting_does_not_help_is_told_at_once(stranger):
    with Client(stranger.url) as client:
        for behaviour, status in ((refused(503), 503), (refused(409), 409), (refused(401), 401), (refused(500), 500)):
            stranger.answers(behaviour)
            with pytest.raises(ClientError, match="not now") as error:
                client.create_search({})
            assert error.value.status == status
            assert len(stranger.asked) == 1


def test_a_service_that_has_answered_is_waited_for(stranger, quick):
    with Client(stranger.url, patience=1.0) as client:
        stranger.answers(HEALTH)
        assert client.alive()
        stranger.answers(answer(503), HEALTH)
        assert client.alive()
        begun = time.monotonic()
        stranger.answers(answer(503))
        assert not client.alive()
        assert 0.5 < time.monotonic() - begun < 20


def test_a_wait_survives_a_restart_of_the_service(serving, home):
    with socket.create_server(("127.0.0.1", 0)) as free:
        settings = home.model_copy(update={"port": free.getsockname()[1]})
    ended: list[str] = []
    with serving(settings) as service:
        search = service.search()

        def wait() -> None:
            with Client(service.url) as client:
                ended.append(client.wait(search, poll=0.02).status)

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.3)
    time.sleep(0.3)
    assert waiting.is_alive()
    with serving(settings) as service:
        service.finish(search)
        waiting.join(timeout=20)
    assert ended == ["completed"]


def test_a_wait_ends_with_its_patience_or_its_time(stranger, quick, service):
    search = service.search()
    running = answer(200, service.http.get(f"/v1/searches/{search}").content, "application/json")
    with Client(stranger.url) as client:
        stranger.answers(running, hang_up)
        with pytest.raises(ClientError, match=r"the connection to \S+ was lost"):
            client.wait(ID, poll=0.01, patience=0.1)
        stranger.answers(running, hang_up)
        with pytest.raises(TimeoutError, match=r"still running after 0\.1 s"):
            client.wait(ID, poll=0.01, timeout=0.1)
        stranger.answers(answer(502))
        with pytest.raises(ClientError, match="is not reached: 502"):
            list(client.events(ID, patience=0.05))


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "nonsense://", "http://["])
def test_loopback_is_never_asked_through_a_proxy(stranger, monkeypatch, no_proxies, proxy):
    for name in PROXIES[:6]:
        monkeypatch.setenv(name, proxy)
    stranger.answers(HEALTH)
    for url in (
        stranger.url,
        stranger.url.replace("127.0.0.1", "localhost"),
        stranger.url.replace("127.0.0.1", "0.0.0.0"),
    ):
        with Client(url) as client:
            assert client.alive(), url


def test_another_host_is_asked_through_the_proxy(stranger, monkeypatch, no_proxies):
    monkeypatch.setenv("http_proxy", stranger.url)
    stranger.answers(HEALTH)
    with Client("http://segnas.invalid:8000") as client:
        assert client.alive()
    assert stranger.asked[0][1] == "http://segnas.invalid:8000/healthz"
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:9")
    with Client("http://segnas.invalid:8000") as client, pytest.raises(ClientError) as error:
        client.server()
    assert "check the address, and the proxy that the environment names (127.0.0.1:9)" in str(error.value)
    assert "segnas serve" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_socks_proxy_is_told_in_a_sentence(monkeypatch, no_proxies):
    monkeypatch.setitem(__import__("sys").modules, "socksio", None)
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(ClientError, match=r"pip install 'httpx\[socks\]', or name the host in NO_PROXY"):
        Client("http://segnas.example:8000")
    monkeypatch.setenv("no_proxy", "segnas.example")
    Client("http://segnas.example:8000").close()
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("all_proxy", "gopher://x")
    with pytest.raises(ClientError, match="names no proxy"):
        Client("http://segnas.example:8000")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("127.0.0.1:8000", "is not an address"),
        ("localhost:8000", "is not an address"),
        ("", "is not an address"),
        ("http://", "is not an address"),
        ("ftp://a", "is not an address"),
        ("http://127.0.0.1:port", "is not an address"),
        ("http://127.0.0.1:0", "there is no port 0"),
        ("http://127.0.0.1:99999", "there is no port 99999"),
        ("http://::1:8000", "is not an address"),
        ("http://127.0.0.1:8000/#/s0123456789ab", "leave out what follows"),
        ("http://127.0.0.1:8000/?a=b", "leave out what follows"),
        ("http://a\nb", "is not an address"),
    ],
)
def test_what_is_no_address(url, sentence):
    with pytest.raises(ClientError, match=sentence) as error:
        Client(url)
    assert str(error.value).isprintable()


def test_an_address_may_have_a_path_and_hides_its_password(stranger):
    stranger.answers(HEALTH)
    with Client(stranger.url.replace("//", "//user:secret@") + "/below/\n") as client:
        assert client.url == f"{stranger.url}/below"
        assert client.alive()
    (_, path, headers), *_ = stranger.asked
    assert path == "/below/healthz"
    assert headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "search", ["", ".", "..", "a/b", "s000000000000/stop", "s000000000000?x=1", "s000000000000#", "s\n"]
)
def test_an_id_goes_nowhere_else(stranger, search):
    with Client(stranger.url) as client:
        for call in (client.search, client.stop, client.calibration, client.logs, client.heads, client.wait):
            with pytest.raises(ClientError, match="there is no search") as error:
                call(search)
            assert error.value.status == 404
            assert str(error.value).isprintable()
        with pytest.raises(ClientError, match="there is no search"):
            next(client.events(search))
        with pytest.raises(ClientError, match="there is no search"):
            client.full_scale(search, {})
    assert stranger.asked == []


@pytest.mark.parametrize("path", ["", "/", "/a?b", "/a#b", "/a//b", "/..", "/a/", "/a b", "/ü", "/a\n", "/a%2Fb"])
def test_a_path_means_nothing_else_to_a_url(stranger, path):
    with Client(stranger.url) as client, pytest.raises(ClientError, match="there is no"):
        client._calls.send("POST", path)
    assert stranger.asked == []


def test_headers_hold_what_headers_can(stranger):
    stranger.answers(HEALTH)
    with Client(stranger.url, "a-token-from-a-file\n") as client:
        assert client.alive()
    assert stranger.asked[0][2]["Authorization"] == "Bearer a-token-from-a-file"
    for token in ("", "two\nlines", "ünder", "nul\x00"):
        with pytest.raises(ClientError, match="the token "):
            Client(stranger.url, token)
    with Client(stranger.url) as client:
        for key in ("two\nlines", "ü", "", "x" * 256):
            with pytest.raises(ClientError, match="the idempotency key "):
                client.create_search({}, key)
    assert len(stranger.asked) == 1


def test_a_program_that_does_not_speak_http():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
                peer.recv(1000)

        speaking = threading.Thread(target=speak)
        speaking.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(url) as client, pytest.raises(ClientError, match=f"what answers at {url} is no Segnas service"):
            client.server()
        speaking.join()
