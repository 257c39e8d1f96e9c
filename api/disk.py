"""Whether the service can still write where its records, caches and logs go."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import make_url

from nas.settings import Settings

NEEDED_BYTES = 100_000_000
"""Free space below which the service is not ready: Ray's logs and a database's journal take as much within an hour."""


def folders(settings: Settings) -> list[Path]:
    """The folders that the service itself writes to: the home folder, and that of an SQLite file elsewhere."""
    found = [settings.folder]
    url = make_url(settings.store_url)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        found.append(Path(url.database).resolve().parent)
    return list(dict.fromkeys(found))


def why_not_writable(paths: Iterable[Path]) -> str | None:
    """Say which of the folders cannot be written to, and why; None when all can, with space left.

    A few kilobytes are written for a moment: permissions alone say nothing of quotas, read-only mounts and full disks.
    """
    for path in paths:
        try:
            with tempfile.TemporaryFile(dir=path) as file:
                file.write(bytes(4096))
                file.flush()
            free = shutil.disk_usage(path).free
        except OSError as error:
            return f"nothing can be written to {path}: {error.strerror or error}"
        if free < NEEDED_BYTES:
            return f"the disk of {path} is full: {free / 1e6:.0f} MB are free, {NEEDED_BYTES / 1e6:.0f} MB are needed"
    return None
