"""The exit codes of a driver, by which the service tells a fault of the search from one of its surroundings."""

from __future__ import annotations

import signal
from enum import IntEnum


class ExitCode(IntEnum):
    """How a driver ended, as its job's exit code says. Any other code is a fault that counts against the search.

    Attributes:
        OVER: The search is over, or another driver has it.
        DATABASE_AWAY: The database stayed away for longer than the driver waits.
        RAY_AWAY: Ray could not be reached for longer than the driver waits, or was lost on the way.
        OTHER_VERSION: The database is of another version of the software than the driver's node.
        SETTINGS: The settings of the driver's node are wrong, such as a `config.yaml` that was edited meanwhile.
        INTERRUPTED: The driver was asked to end although its search goes on.
    """

    OVER = 0
    DATABASE_AWAY = 74  # EX_IOERR of sysexits.h
    RAY_AWAY = 75  # EX_TEMPFAIL
    OTHER_VERSION = 78  # EX_CONFIG
    SETTINGS = 79
    INTERRUPTED = 128 + signal.SIGTERM
