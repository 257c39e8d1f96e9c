"""Examine the service of a home folder, and the Ray cluster on which its searches run."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from nas.client import SERVER_FILE, Client, ClientError, find_url, is_loopback
from nas.doctor.finding import Finding, Level
from nas.settings import Settings
from nas.tls import verification

_SECONDS = 5.0

RAY_STATE = ("ray", "cluster.json")
"""The file below the home folder with the address of the home folder's own Ray cluster."""


def service(settings: Settings) -> Generator[Finding, None, bool]:
    """Say whether a service answers, whether its parts work, and whether the home folder's file about it is true.

    Returns:
        Whether a service answers.
    """
    url = find_url(settings)
    file = settings.folder / SERVER_FILE
    try:
        token = settings.token.get_secret_value() if settings.token is not None else None
        with Client(url, token, patience=0.0) as client:
            found = client.server()
    except ClientError as error:
        yield Finding("service", Level.NOTE if error.temporary else Level.WRONG, str(error))
        if os.path.exists(file):  # noqa: PTH110  false, too, where the folder is closed to this user
            message = f"{file} is left over from a service that did not end in order; the next one replaces it"
            yield Finding("service", Level.NOTE, message)
        return False
    yield Finding("service", Level.OK, f"version {found.version} answers at {url}")
    if found.version != (own := version("segnas")):
        message = f"the service has version {found.version}, this command line {own}: restart the older one"
        yield Finding("service", Level.WRONG, message)
    for name, part in found.parts.items():
        if not part.ok:
            yield Finding("service", Level.WRONG, f"{name}: {part.message or 'not ready'}")
    return True


def ray(settings: Settings, answering: bool) -> Iterator[Finding]:
    """Say whether the Ray cluster answers.

    Args:
        settings: Name the cluster, or the home folder of a cluster of its own.
        answering: Whether a service answers.
    """
    configured = settings.ray_dashboard is not None
    url = settings.ray_dashboard or _own_dashboard(settings)
    if url is None:
        if not answering:
            yield Finding("Ray", Level.OK, "none runs in this home folder; segnas serve starts one")
        return
    reachable = _answers(url, settings.ray_ca)
    if reachable and (configured or answering):
        yield Finding("Ray", Level.OK, f"the dashboard answers at {url}")
    elif reachable:
        yield Finding(
            "Ray", Level.NOTE, f"a cluster runs at {url} without a service; the next segnas serve takes it over"
        )
    elif configured or answering:
        yield Finding("Ray", Level.WRONG, f"no dashboard answers at {url}, so no search can run")


def _own_dashboard(settings: Settings) -> str | None:
    try:
        state: Any = json.loads(settings.folder.joinpath(*RAY_STATE).read_text("utf-8"))
        url = state["dashboard_url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if isinstance(url, str) else None


def _answers(url: str, authority: Path | None) -> bool:
    try:
        trusted = not is_loopback(httpx.URL(url).host)
        asked = f"{url.rstrip('/')}/api/version"
        reply = httpx.get(asked, timeout=_SECONDS, trust_env=trusted, verify=verification(authority))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError):
        return False
    # A cluster with a token refuses strangers, and so answers too.
    return reply.status_code in (httpx.codes.OK, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
