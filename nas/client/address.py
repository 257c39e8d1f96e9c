"""Find the address of the service."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os

from nas.settings import Settings

DEFAULT_URL = "http://127.0.0.1:8000"
SERVER_FILE = "server.json"
"""File in the home folder with the address and process id of the running service, which removes the file at its end."""


def find_url(settings: Settings) -> str:
    """The address of the service: SEGNAS_URL, else from the home folder's `server.json`, else `DEFAULT_URL`."""
    if url := os.environ.get("SEGNAS_URL", "").strip():
        return url
    # The file of a killed service remains: no answer there is better than an answer from somebody else's service.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        url = json.loads((settings.folder / SERVER_FILE).read_text("utf-8"))["url"]
        if isinstance(url, str) and url:
            return url
    return DEFAULT_URL


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own; no name but localhost counts as such."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
