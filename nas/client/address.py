"""Find the address of the service."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from nas.settings import Settings
from nas.state_files import read_state

DEFAULT_URL = "http://127.0.0.1:8000"
SERVER_FILE = "server.json"
"""File in the home folder with a `RunningServer`; the running service writes the file and removes it at its end."""

LOCK_FILE = "serve.lock"
"""In the home folder: locked by its service, which writes an `Owner` into it. The file is never removed."""


class RunningServer(BaseModel):
    """The service of a home folder: its address and its process id."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]")]
    pid: Annotated[int, Field(gt=0)]


class Owner(RunningServer):
    """The service that holds a home folder, as it describes itself from its first moment on, before it serves."""

    host: str
    since: AwareDatetime

    def __str__(self) -> str:
        where = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"process {self.pid}{where}, at {self.url}, since {self.since:%Y-%m-%d %H:%M:%S %Z}"


class Found(NamedTuple):
    """The address of a service.

    Attributes:
        url: The address.
        known: Whether one is known to run there, to be starting, or to have been killed there.
        named: Whether it was named, by SEGNAS_URL, so that a service elsewhere is another one.
    """

    url: str
    known: bool
    named: bool


def find_service(settings: Settings) -> Found:
    """Find the service by SEGNAS_URL, else by the home folder, else at `DEFAULT_URL`.

    A service that ends in order removes its `server.json`, and one that is killed leaves it: then it may be on its way
    back. One that starts holds the home folder, and says so in `serve.lock`. Without either, nobody runs a service.
    """
    running = _running(settings.folder)
    if url := os.environ.get("SEGNAS_URL", "").strip():
        return Found(url, running is not None and _place(url) == _place(running.url), named=True)
    # The file of a killed service remains: no answer there is better than an answer from somebody else's service.
    return Found(DEFAULT_URL, False, named=False) if running is None else Found(running.url, True, named=False)


def find_url(settings: Settings) -> str:
    """The address of the service: SEGNAS_URL, else from the home folder's `server.json`, else `DEFAULT_URL`."""
    return find_service(settings).url


def service_of(folder: Path) -> str | None:
    """The address of the service of a home folder as it is now; None where none runs, starts, or was killed.

    A service on port 0 has another address after each start.
    """
    running = _running(folder)
    return None if running is None else running.url


def _running(folder: Path) -> RunningServer | None:
    return read_state(folder / SERVER_FILE, RunningServer) or _starting(folder)


def _starting(folder: Path) -> Owner | None:
    """The service that holds the home folder and does not serve yet; None where its process is gone or out of sight."""
    owner = read_state(folder / LOCK_FILE, Owner)
    if owner is None or owner.host != socket.gethostname():
        return None
    try:
        os.kill(owner.pid, 0)
    except PermissionError:
        return owner  # somebody else's process lives
    except (OSError, OverflowError):
        return None
    return owner


def _place(url: str) -> tuple[str, int | None]:
    """A URL's host and port; this machine has several names."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return url, None
    return "localhost" if is_own(host) else host, port


def is_own(host: str) -> bool:
    """Whether connections to a host go to this machine: loopback, and addresses at which nothing can listen alone."""
    return is_loopback(host) or host.endswith(".localhost") or host in ("0.0.0.0", "::")  # noqa: S104  not bound


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own; no name but localhost counts as such."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
