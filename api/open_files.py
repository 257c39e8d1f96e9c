"""Open files: as many as this process may have, and one line in the log instead of thousands where they run out.

A connection is an open file, and shells of some systems allow 256. asyncio, which cannot accept a connection then,
tries as often as connections may wait, reports each try with a traceback, and waits for a second: a service that was
asked by too many did nothing but write its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import time
from typing import Any

log = logging.getLogger("segnas.api")

ENOUGH = 65_536
MACOS_MOST = 10_240
"""What macOS allows, whatever the hard limit says."""

SAID_AGAIN_SECONDS = 60.0


def allow_many() -> None:
    """Raise the limit of open files of this process as far as it may; what it starts inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (ENOUGH, MACOS_MOST):
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if most <= soft:
            return
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return


def say_once_that_none_is_left(loop: asyncio.AbstractEventLoop) -> None:
    """Let an event loop report that it can accept no connection in one line, once a minute; all else as ever."""
    last_line = -SAID_AGAIN_SECONDS

    def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal last_line
        if "out of system resource" not in str(context.get("message")):
            loop.default_exception_handler(context)
        elif time.monotonic() - last_line >= SAID_AGAIN_SECONDS:
            last_line = time.monotonic()
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            log.error(
                "connections wait, since this process can open no more files (%s; ulimit -n is %d)",
                context.get("exception"),
                limit,
            )

    loop.set_exception_handler(report)
