"""What is told when something else than a Segnas service answers, or too much."""

from __future__ import annotations

import gzip
import json
import time
from http.server import BaseHTTPRequestHandler

import pytest

from nas.client import Client, ClientError, answers
from tests.nas.client.conftest import answer

PAGE = "<html><title>Log in</title></html>"
ID = "s000000000000"


@pytest.fixture
def client(stranger):
    with Client(stranger.url, patience=0.0) as client:
        yield client


def told(call) -> str:
    with pytest.raises(ClientError) as error:
        call()
    sentence = str(error.value)
    assert sentence.isprintable()
    assert len(sentence) < 700
    return sentence


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(200, PAGE, "text/html; charset=utf-8"),
        answer(200, "not json", "application/json"),
        answer(200, "[" * 100_000, "application/json"),
        answer(200, b"\xff\xfe", "application/json"),
        answer(200, "", "application/json"),
        answer(200, "{}"),
        answer(204),
        answer(404, PAGE, "text/html"),
        answer(404, '{"error": "Not Found"}', "application/json"),
        answer(500, "boom\x1b[2J", "text/plain\x1b[2J"),
        answer(200, b"not gzip", "application/json", Content_Encoding="gzip"),
    ],
)
def test_another_program(client, stranger, behaviour):
    stranger.answers(behaviour)
    for call in (
        client.server,
        lambda: client.search(ID),
        lambda: list(client.searches()),
        client.datasets,
        lambda: client.stop(ID),
        lambda: next(client.events(ID)),
        lambda: client.wait(ID),
    ):
        assert f"what answers at {stranger.url} is no Segnas service" in told(call)
    assert not client.alive()
    assert not client.ready()


@pytest.mark.parametrize("body", ["[]", "{}", '"text"', "7", "null", '{"id": 1, "status": "odd"}', '{"items": 3}'])
def test_json_of_another_form(client, stranger, body):
    stranger.answers(answer(200, body, "application/json"))
    for call in (lambda: client.search(ID), client.server, lambda: list(client.searches())):
        assert "another program answers there, or a service of another version" in told(call)
    assert not client.alive()


def test_items_of_another_form(client, stranger):
    stranger.answers(answer(200, '{"items": [{}], "next_cursor": null}', "application/json"))
    assert "is none that this version reads (id: this field is required" in told(lambda: list(client.searches()))
    stranger.answers(answer(200, "[{}]", "application/json"))
    assert "is none that this version reads" in told(client.datasets)
    stranger.answers(answer(200, "{}", "application/json"))
    assert "is no Segnas service" in told(client.datasets)


def test_a_listing_that_leads_in_a_circle_ends(client, stranger):
    stranger.answers(answer(200, '{"items": [], "next_cursor": "same"}', "application/json"))
    assert list(client.searches()) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_with_its_target(client, stranger, status):
    stranger.answers(answer(status, PAGE, "text/html", Location="https://login.example/?next=\x85x"))
    for call in (lambda: client.search(ID), lambda: client.stop(ID), lambda: next(client.events(ID))):
        assert f"{stranger.url} redirects to https://login.example/?next=" in told(call)
    assert len(stranger.asked) == 3


def test_logs_are_plain_text_only(client, stranger):
    stranger.answers(answer(200, "a line", "text/plain; charset=utf-8"))
    assert client.logs(ID) == "a line"
    stranger.answers(answer(200, PAGE, "text/html"))
    assert "is no Segnas service" in told(lambda: client.logs(ID))


def test_events_of_another_program(client, stranger):
    for body in ("data: {}\n\n", "event: trial\ndata: nonsense\n\n", "event: end\ndata: []\n\n"):
        stranger.answers(answer(200, body, "text/event-stream"))
        assert "the stream of events is none of a Segnas service" in told(lambda: list(client.events(ID)))
    stranger.answers(answer(200, ": nothing\n\n", "text/event-stream"))
    assert "ends the stream of events" in told(lambda: list(client.events(ID, patience=0.0)))


def test_patience_is_for_a_service_that_is_away_not_for_a_long_trial(client, stranger, monkeypatch, service):
    """A stream lives by its heartbeats: after an hour without an event, a restart is waited for as at any time."""
    monkeypatch.setattr("nas.client.following.STEADY_SECONDS", 0.1)
    monkeypatch.setattr("nas.client.outage.FIRST_PAUSE", 0.01)
    end = service.search()
    with Client(service.url) as real:
        data = real.search(end).model_dump_json()

    def beats(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for _ in range(12):
            handler.wfile.write(b": ping\n\n")
            handler.wfile.flush()
            time.sleep(0.1)
        handler.close_connection = True

    stranger.answers(beats, answer(200, f"event: end\ndata: {data}\n\n", "text/event-stream"))
    assert [event.name for event in client.events(end, patience=0.8)] == ["end"]


def test_an_answer_is_read_within_bounds(client, stranger, monkeypatch):
    monkeypatch.setattr(answers.receive, "__defaults__", (1 << 20,))
    body = json.dumps(" " * (2 << 20)).encode()
    for behaviour in (
        answer(200, body, "application/json"),
        answer(200, gzip.compress(body), "application/json", Content_Encoding="gzip"),  # 2 kB, until it is unpacked
        answer(400, body, "application/problem+json"),
    ):
        stranger.answers(behaviour)
        assert "is longer than 1 MiB, so the rest is not read" in told(lambda: client.search(ID))


def test_a_problem_is_told_on_one_line(client, stranger):
    problem = {
        "title": "x",
        "status": 422,
        "detail": "bad\n\x1b[2J\u202e",
        "errors": [{"path": "a\n", "message": "b\r"}],
    }
    stranger.answers(answer(422, json.dumps(problem), "application/problem+json"))
    with pytest.raises(ClientError) as error:
        client.search(ID)
    assert str(error.value) == r"bad\n\x1b[2J\u202e"
    assert error.value.problems[0].path == r"a\n"
    assert error.value.status == 422
