"""A time of day that a test can set, for every Python process that has this folder on its PYTHONPATH.

Python imports a module of this name as it starts. What `CHAOS_CLOCK` names is a file with one float: the seconds that
are added to the machine's clock. Monotonic clocks go on as they do when somebody sets the time of day.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path


def _set_by(path: str) -> None:
    with Path(path).open("rb") as file:
        step = mmap.mmap(file.fileno(), struct.calcsize("d"), access=mmap.ACCESS_READ)
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + struct.unpack_from("d", step)[0]
    time.time_ns = lambda: nanoseconds() + int(struct.unpack_from("d", step)[0] * 10**9)


if path := os.environ.get("CHAOS_CLOCK"):
    _set_by(path)
