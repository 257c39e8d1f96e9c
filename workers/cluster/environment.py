"""The environment of a local cluster's processes: the service's settings, this Python, nothing of other clusters."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from sqlalchemy import make_url

from nas.atomic import write_secret_atomically
from nas.settings import Settings
from workers.cluster import processes
from workers.cluster.node import node_environment

DATABASE_FILE = "database_url"
"""In the cluster's folder: the database's URL with its password, for drivers, readable by its owner only."""

_NOT_INHERITED = (
    "SEGNAS_",
    "PGPASSWORD",
    "RAY_ADDRESS",
    "RAY_API_SERVER_ADDRESS",
    "RAY_AUTH_",
    "RAY_JOB_",
    "RAY_TMPDIR",
)
"""Ours are set anew; the database's password is no business of trials, which inherit this environment too; Ray's would
make the cluster take part in another one."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""What a proxy must never be asked for: a proxy's own loopback is another machine."""


def environment(settings: Settings, folder: Path, marker: str) -> dict[str, str]:
    """Make the environment of the cluster's processes, which every job inherits.

    Args:
        settings: What jobs shall see. The service's own token is left out, and of the URL of a database server, which
            may hold a password, there is the name of the file where `write_database_url` puts it.
        folder: The cluster's folder.
        marker: The cluster's value of `workers.cluster.processes.MARKER`.

    Returns:
        The environment of this process without other clusters' variables, with this Python, settings and token.
    """
    env = node_environment() | {
        name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)
    }
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    env |= client_environment(folder)
    env |= {
        processes.MARKER: marker,
        "SEGNAS_HOME": str(settings.folder),
        "SEGNAS_DATASETS": json.dumps({k: v.model_dump(mode="json") for k, v in settings.datasets.items()}),
        "SEGNAS_WEIGHTS": json.dumps({k: v.model_dump(mode="json") for k, v in settings.weights.items()}),
        "SEGNAS_HUB": json.dumps(settings.hub),
        "SEGNAS_LOG_FORMAT": settings.log_format,
        "SEGNAS_NATIVE": json.dumps(settings.native),
    }
    if settings.storage is not None:
        env["SEGNAS_STORAGE"] = settings.storage
    if _has_server(settings):
        env["SEGNAS_DATABASE_URL_FILE"] = str(folder / DATABASE_FILE)
    elif settings.database_url is not None:
        env["SEGNAS_DATABASE_URL"] = settings.store_url
    return env | _unproxied(env)


def write_database_url(settings: Settings, folder: Path) -> None:
    """Write the URL of the database server into the file that the cluster's environment names, for new drivers.

    Args:
        settings: Name the database; a database file has no password, and so needs no file of its own.
        folder: The cluster's folder.
    """
    if _has_server(settings):
        write_secret_atomically(folder / DATABASE_FILE, _with_password(settings.store_url))


def _has_server(settings: Settings) -> bool:
    return not settings.store_url.startswith("sqlite")


def _with_password(url: str) -> str:
    """A URL with the password of PGPASSWORD where it has none, since jobs do not inherit that variable."""
    parsed, password = make_url(url), os.environ.get("PGPASSWORD")
    if password and parsed.password is None:
        parsed = parsed.set(password=password)
    return parsed.render_as_string(hide_password=False)


def _unproxied(env: dict[str, str]) -> dict[str, str]:
    """Variables by which the programs of the cluster speak with each other directly, whatever proxy is set."""
    names = ("no_proxy", "NO_PROXY")
    spared = [host.strip() for name in names for host in env.get(name, "").split(",") if host.strip()]
    direct = "*" if "*" in spared else ",".join(dict.fromkeys([*spared, *LOOPBACK]))
    return dict.fromkeys(names, direct)


def client_environment(folder: Path) -> dict[str, str]:
    """Make the variables that a program needs before it imports Ray and connects to the cluster.

    Args:
        folder: The cluster's folder.
    """
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        # Ray's switch for "this machine is no part of a cluster": it then uses the loopback interface only.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }
