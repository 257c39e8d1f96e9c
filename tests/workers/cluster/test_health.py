"""What is concluded from the answers of a cluster's dashboard. A real one is asked in test_jobs.py."""

from __future__ import annotations

import httpx
import pytest

from workers.cluster.health import GCS, JOB_SERVER, PARTS, RAYLET, UNKNOWN_JOB, ask

URL = "http://127.0.0.1:8265"
HEAD: dict[str, dict[str, object]] = {"raylet": {"state": "ALIVE", "isHeadNode": True}}
WORKER: dict[str, dict[str, object]] = {"raylet": {"state": "ALIVE", "isHeadNode": False}}


def nodes(*states: dict[str, dict[str, object]]) -> httpx.Response:
    return httpx.Response(200, json={"data": {"summary": list(states)}})


HEALTHY = {
    "/api/version": httpx.Response(200),
    "/api/gcs_healthz": httpx.Response(200),
    f"/api/jobs/{UNKNOWN_JOB}": httpx.Response(404),
    "/nodes?view=summary": nodes(WORKER, HEAD),
}
SILENCE = httpx.ReadTimeout("timed out")


def found(changes: dict[str, httpx.Response | Exception]) -> dict[str, str]:
    answers = {**HEALTHY, **changes}

    def get(path: str) -> httpx.Response:
        answer = answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return dict(ask(get, URL))


def test_a_cluster_that_works_has_no_problems():
    assert found({}) == {}


@pytest.mark.parametrize(
    ("path", "answer", "parts", "sentence"),
    [
        ("/api/version", httpx.ConnectError("refused"), PARTS, f"no answer from the Ray cluster at {URL}: refused"),
        ("/api/version", httpx.Response(403), [JOB_SERVER], "refuses the token"),
        ("/api/gcs_healthz", httpx.Response(503), PARTS, "control store does not answer: status 503"),
        ("/api/gcs_healthz", SILENCE, PARTS, "control store does not answer: timed out"),
        (f"/api/jobs/{UNKNOWN_JOB}", httpx.Response(500), [JOB_SERVER], "job server does not answer: status 500"),
        (f"/api/jobs/{UNKNOWN_JOB}", SILENCE, [JOB_SERVER], "job server does not answer: timed out"),
        ("/nodes?view=summary", SILENCE, [RAYLET], "list of nodes cannot be read: timed out"),
        ("/nodes?view=summary", httpx.Response(200, text="<html>"), [RAYLET], "it has another form"),
        ("/nodes?view=summary", httpx.Response(200, json=[]), [RAYLET], "it has another form"),
        ("/nodes?view=summary", nodes(WORKER), [RAYLET], "has not registered"),
        (
            "/nodes?view=summary",
            nodes(WORKER, {"raylet": {"state": "DEAD", "isHeadNode": True}}),
            [RAYLET],
            "the raylet of Ray's head node is dead",
        ),
    ],
)
def test_a_part_that_does_not_work_is_named(path, answer, parts, sentence):
    problems = found({path: answer})
    assert set(problems) == set(parts)
    assert sentence in next(iter(problems.values()))


def test_a_head_that_was_replaced_is_the_living_one():
    assert found({"/nodes?view=summary": nodes({"raylet": {"state": "DEAD", "isHeadNode": True}}, HEAD)}) == {}


def test_what_cannot_be_asked_is_no_part_that_works():
    problems = found({"/api/gcs_healthz": httpx.Response(503)})
    assert GCS in problems
    assert problems[RAYLET] == problems[JOB_SERVER] == "cannot be asked while Ray's control store does not answer"
