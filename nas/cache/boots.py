"""Notes that hold until the machine starts anew: which files of an entry were verified."""

from __future__ import annotations

import functools
from pathlib import Path

CHECKED = "checked"
"""The folder of the cache with one folder for each start of a machine."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def this_boot() -> str | None:
    """Return what tells this start of this machine from all others; None where the kernel does not say."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return None


def notes_of_this_boot(entry: Path) -> Path | None:
    """Name the file where processes note which files of a cache entry they have verified.

    After a power cut a file may hold other bytes than were written, with the same size and times: so what was noted
    before the machine started is not believed.

    Args:
        entry: `<cache>/<folder>/<name>`.
    """
    boot = this_boot()
    return None if boot is None else entry.parent.parent / CHECKED / boot / f"{entry.name}.json"
