"""Find the address of the service."""

from __future__ import annotations

import ipaddress
import os
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from nas.settings import Settings
from nas.state_files import read_state

DEFAULT_URL = "http://127.0.0.1:8000"
SERVER_FILE = "server.json"
"""File in the home folder with a `RunningServer`; the running service writes the file and removes it at its end."""


class RunningServer(BaseModel):
    """The service of a home folder: its address and its process id."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]")]
    pid: int


def find_url(settings: Settings) -> str:
    """The address of the service: SEGNAS_URL, else from the home folder's `server.json`, else `DEFAULT_URL`."""
    if url := os.environ.get("SEGNAS_URL", "").strip():
        return url
    # The file of a killed service remains: no answer there is better than an answer from somebody else's service.
    running = read_state(settings.folder / SERVER_FILE, RunningServer)
    return DEFAULT_URL if running is None else running.url


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own; no name but localhost counts as such."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
