"""The client of a Ray cluster's job server: submits, watches and stops the driver of a search.

The server is spoken to over its documented HTTP interface (`/api/jobs/`, served by the dashboard) rather than through
Ray's client: that one has no time-outs, lets RAY_ADDRESS override the address it is given, and needs Ray where only
HTTP is needed.
"""

from __future__ import annotations

import os
import re
import ssl
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import httpx

from nas.escaping import header_value
from nas.tls import verification
from workers.cluster import health

_SEARCH_ID = re.compile(r"s[0-9a-f]{12}")
_ENTRYPOINT = "python -P -m workers.driver {search_id} {attempt}"
"""Run by a shell on the cluster: nothing but server-made ids may be put in. `-P`: a folder named `workers` in the
cluster's working directory is not ours."""

_DUMP = re.compile(r"\[state-dump\]|    /\S*(?:/raylet/raylet|/libc\.so\.6)\(\S*\) \[0x[0-9a-f]+\]")
"""What a raylet writes into its log of its state, and of its stack when it ends for a fault."""

_SECONDS = 20.0
"""Submitting waits for the head node's agent, which is slow in the first seconds of a cluster."""

_HEALTH_SECONDS = 5.0
"""How long a part of the cluster may take to say that it works."""

_HEALTH_AGE = 1.0
"""Seconds for which what was found out about the parts is used again: anybody may ask whether the service is ready."""


class JobState(StrEnum):
    """The state of a job: Ray's words in lower case, and `lost` when the cluster does not know the job any more."""

    pending = "pending"
    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    stopped = "stopped"
    lost = "lost"

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self not in (JobState.pending, JobState.running)


@dataclass(frozen=True)
class JobEnd:
    """How a job ended.

    Attributes:
        exit_code: The driver's; None where nobody saw the driver's process end, because its node or cluster went down.
        message: What Ray says about the end; may be empty.
    """

    exit_code: int | None
    message: str


class ClusterUnreachable(Exception):  # noqa: N818  reads as what it says: `except ClusterUnreachable`
    """The cluster does not answer, refuses the token, or cannot take a job now. The message is a sentence."""


def job_id(search_id: str, attempt: int) -> str:
    """Make the submission id of a search's driver.

    Args:
        search_id: The search.
        attempt: The number of the driver, from 1.

    Raises:
        ValueError: The search id is not one that the store makes, or the number is below 1.
    """
    if not _SEARCH_ID.fullmatch(search_id):
        raise ValueError(f"{search_id!r} is no search id; it must be s and 12 hexadecimal digits")
    if attempt < 1:
        raise ValueError(f"driver attempts count from 1, not {attempt}")
    return f"segnas-{search_id}-{attempt}"


class Cluster:
    """A Ray cluster, as its job server shows it.

    Every method but `unreachable`, `problems` and `close` raises `ClusterUnreachable`.

    Args:
        dashboard_url: Where the dashboard is, such as `http://host:8265`.
        token: The cluster's; None looks where Ray looks: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH, ~/.ray/auth_token.
        authority: PEM file of the authority that signed the dashboard's certificate, where no public one did.

    Raises:
        RuntimeError: The token found there cannot be sent, or the authority's file holds no certificate.
    """

    def __init__(self, dashboard_url: str, token: str | None = None, authority: Path | None = None) -> None:
        self.dashboard_url = dashboard_url.rstrip("/")
        token = token if token is not None else _token_from_environment()
        self._token = token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=self.dashboard_url,
            headers=headers,
            timeout=_SECONDS,
            trust_env=False,
            verify=_verification(authority),
        )
        self._asking = threading.Lock()
        self._asked: tuple[float, health.Problems] | None = None

    def submit(self, search_id: str, attempt: int, name: str) -> str:
        """Submit a driver; submitting the same attempt again changes nothing.

        Args:
            search_id: The search.
            attempt: The number of the driver, from 1.
            name: The search's name, which only goes into the job's metadata.

        Returns:
            The id of the job.

        Raises:
            ClusterUnreachable: The job cannot be submitted now.
        """
        job = job_id(search_id, attempt)
        shown = "".join(c if c.isprintable() else " " for c in name)[:100]
        request = {
            "entrypoint": _ENTRYPOINT.format(search_id=search_id, attempt=int(attempt)),
            "submission_id": job,
            "metadata": {"job_name": shown, "name": shown, "search": search_id, "attempt": str(attempt)},
        }
        reply = self._send("POST", "/api/jobs/", json=request)
        # An id that is taken is answered with an error: then the first submission reached the cluster.
        if reply.is_error and self.state(job) is JobState.lost:
            raise ClusterUnreachable(f"the Ray cluster did not take the job: {_last_line(reply)}")
        return job

    def state(self, job: str) -> JobState:
        """Ask for the state of a job.

        Raises:
            ClusterUnreachable: The cluster does not answer, or says `failed` while a part of the cluster is down, which
                says nothing about the job: a dead raylet takes every job with it.
        """
        reply = self._send("GET", f"/api/jobs/{job}")
        if reply.status_code == httpx.codes.NOT_FOUND:
            return JobState.lost
        state = JobState(str(_json(reply)["status"]).lower())
        if state is JobState.failed and (problems := self.problems(max_age=0.0)):
            raise ClusterUnreachable(next(iter(problems.values())))
        return state

    def ending(self, job: str) -> JobEnd:
        """Ask how a job ended that is over; a job that the cluster does not know has no exit code and no message."""
        reply = self._send("GET", f"/api/jobs/{job}")
        if reply.status_code == httpx.codes.NOT_FOUND:
            return JobEnd(None, "")
        found = _json(reply)
        code = found.get("driver_exit_code")
        return JobEnd(None if code is None else int(code), str(found.get("message") or ""))

    def stop(self, job: str) -> None:
        """Ask a job to end: SIGTERM, and SIGKILL after 3 seconds. A job that is over or unknown is left as it is."""
        reply = self._send("POST", f"/api/jobs/{job}/stop")
        if reply.status_code != httpx.codes.NOT_FOUND:
            _json(reply)

    def logs(self, job: str) -> str:
        """Ask for what a driver and its trials printed; empty for a job that the cluster does not know."""
        reply = self._send("GET", f"/api/jobs/{job}/logs")
        if reply.status_code == httpx.codes.NOT_FOUND:
            return ""
        return without_dumps(str(_json(reply)["logs"] or ""))

    def dashboard_token(self) -> str | None:
        """Return the token that the dashboard asks people for; None where Ray asks for none."""
        mode = _json(self._send("GET", "/api/authentication_mode"))["authentication_mode"]
        return None if mode == "disabled" else self._token

    def unreachable(self) -> str | None:
        """Say why the job server cannot be used, as a sentence; None when it answers and takes the token."""
        try:
            _json(self._send("GET", "/api/version"))
        except ClusterUnreachable as error:
            return str(error)
        return None

    def problems(self, max_age: float = _HEALTH_AGE) -> health.Problems:
        """Find out which parts of the cluster cannot be used.

        Args:
            max_age: Seconds for which an earlier answer is good enough.

        Returns:
            A sentence for each part of `health.PARTS` that cannot be used; empty when all parts work.
        """
        with self._asking:
            if self._asked is None or time.monotonic() - self._asked[0] >= max_age:
                found = health.ask(lambda path: self._http.get(path, timeout=_HEALTH_SECONDS), self.dashboard_url)
                self._asked = time.monotonic(), found
            return self._asked[1]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, method: str, path: str, json: Any = None) -> httpx.Response:
        try:
            reply = self._http.request(method, path, json=json)
        except httpx.HTTPError as error:
            raise ClusterUnreachable(health.no_answer(self.dashboard_url, error)) from error
        if reply.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ClusterUnreachable(health.refused_token(self.dashboard_url))
        return reply


def without_dumps(text: str) -> str:
    """Leave out the lines of a driver's log in which a raylet dumps its state or its stack.

    When a node is lost, Ray shows every driver the last lines of the log of that node's raylet.

    Args:
        text: The log.
    """
    return "".join(line for line in text.splitlines(keepends=True) if not _DUMP.search(line))


def _json(reply: httpx.Response) -> dict[str, Any]:
    if reply.is_error:
        raise ClusterUnreachable(f"the Ray cluster answered {reply.status_code}: {_last_line(reply)}")
    try:
        body = reply.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ClusterUnreachable(f"what answers at {reply.url} is no Ray cluster")
    return body


def _last_line(reply: httpx.Response) -> str:
    """Ray answers errors with a traceback; its last line says what was wrong."""
    lines = reply.text.strip().splitlines()
    return lines[-1] if lines else reply.reason_phrase


def _verification(authority: Path | None) -> ssl.SSLContext | bool:
    try:
        return verification(authority)
    except ValueError as error:
        raise RuntimeError(f"the authority of the Ray cluster's certificate (ray_ca): {error}") from None


def _token_from_environment() -> str | None:
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    try:
        token = os.environ.get("RAY_AUTH_TOKEN") or (path.read_text("utf-8") if path.is_file() else "")
        return header_value(token, "the token of the Ray cluster (RAY_AUTH_TOKEN)") if token.strip() else None
    except ValueError as error:
        raise RuntimeError(str(error)) from None
