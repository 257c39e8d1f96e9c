"""The parts of a Ray cluster, asked over HTTP: the job server, the control store (GCS) and the head node's raylet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

JOB_SERVER, GCS, RAYLET = "ray", "gcs", "raylet"
"""Names of the parts, as `GET /readyz` shows them."""

PARTS = (JOB_SERVER, GCS, RAYLET)

Problems = Mapping[str, str]
"""What is wrong with a cluster, a sentence for each part that cannot be used; empty for a cluster that works."""

UNKNOWN_JOB = "segnas-no-such-job"
"""No job has this id. To answer so, the job server has to ask the control store."""


def ask(get: Callable[[str], httpx.Response], url: str) -> Problems:
    """Ask every part of a cluster whether it works.

    A part that cannot be asked because another one is down counts as a problem too.

    Args:
        get: Sends a GET request for a path to the dashboard; raises `httpx.HTTPError` without an answer.
        url: The dashboard's address, for the sentences.
    """
    reply = _get(get, "/api/version")
    if isinstance(reply, httpx.HTTPError):
        return dict.fromkeys(PARTS, no_answer(url, reply))
    if reply.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return {JOB_SERVER: refused_token(url)}
    if (why := _unusual(_get(get, "/api/gcs_healthz"), httpx.codes.OK)) is not None:
        return {GCS: f"Ray's control store does not answer: {why}"} | dict.fromkeys(
            (JOB_SERVER, RAYLET), "cannot be asked while Ray's control store does not answer"
        )
    problems = {}
    if (why := _unusual(_get(get, f"/api/jobs/{UNKNOWN_JOB}"), httpx.codes.NOT_FOUND)) is not None:
        problems[JOB_SERVER] = f"Ray's job server does not answer: {why}"
    if (why := _raylet(_get(get, "/nodes?view=summary"))) is not None:
        problems[RAYLET] = why
    return problems


def no_answer(url: str, error: httpx.HTTPError) -> str:
    """Say that nothing came back, and what to do where the server's certificate is not believed."""
    sentence = f"no answer from the Ray cluster at {url}: {_reason(error)}"
    if "CERTIFICATE_VERIFY_FAILED" in sentence:
        sentence += "; where an authority of your own signed the certificate, set SEGNAS_RAY_CA to its PEM file"
    return sentence


def refused_token(url: str) -> str:
    """Say that the cluster answers and does not take the token."""
    return f"the Ray cluster at {url} refuses the token; set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the cluster's"


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


def _get(get: Callable[[str], httpx.Response], path: str) -> httpx.Response | httpx.HTTPError:
    try:
        return get(path)
    except httpx.HTTPError as error:
        return error


def _unusual(reply: httpx.Response | httpx.HTTPError, expected: int) -> str | None:
    if isinstance(reply, httpx.HTTPError):
        return _reason(reply)
    return None if reply.status_code == expected else f"status {reply.status_code}"


def _raylet(reply: httpx.Response | httpx.HTTPError) -> str | None:
    if (why := _unusual(reply, httpx.codes.OK)) is not None:
        return f"Ray's list of nodes cannot be read: {why}"
    assert isinstance(reply, httpx.Response)
    try:
        nodes: list[dict[str, Any]] = reply.json()["data"]["summary"]
        states = [node["raylet"]["state"] for node in nodes if node["raylet"].get("isHeadNode", False)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "Ray's list of nodes cannot be read: it has another form"
    if not states:
        return "Ray's head node has not registered itself"
    return None if "ALIVE" in states else f"the raylet of Ray's head node is {states[-1].lower()}"
