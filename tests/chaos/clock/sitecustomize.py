"""A time of day that a test can set, for every Python process that has this folder on its PYTHONPATH.

Python imports a module of this name as it starts. What `CHAOS_CLOCK` names is a file with one float: the seconds that
are added to the machine's clock. Monotonic clocks go on as they do when somebody sets the time of day.

Ray's own processes keep the machine's clock: most of Ray is no Python and cannot be stepped like this, and a Ray that
is started with a day between its parts finds no agent for its jobs, which no step of a real clock can bring about.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from pathlib import Path


def _set_by(path: str) -> None:
    with Path(path).open("rb") as file:
        step = mmap.mmap(file.fileno(), struct.calcsize("d"), access=mmap.ACCESS_READ)
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + struct.unpack_from("d", step)[0]
    time.time_ns = lambda: nanoseconds() + int(struct.unpack_from("d", step)[0] * 10**9)


def _is_rays() -> bool:
    """Whether this is a daemon of Ray, such as its dashboard; workers, which run drivers and trials, are none."""
    return any(part in word for word in sys.orig_argv for part in ("/ray/dashboard/", "/ray/_private/log_monitor"))


if path := os.environ.get("CHAOS_CLOCK"):
    if _is_rays():
        del os.environ["CHAOS_CLOCK"]  # for the processes that it starts, too
    else:
        _set_by(path)
