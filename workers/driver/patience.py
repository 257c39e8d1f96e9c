"""Waiting for a part of the service that is away for a while: the database, Ray."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

log = logging.getLogger("segnas.driver")

PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between tries; after them the driver gives up and the next one takes over."""


def patiently(call: Callable[[], T], is_absence: Callable[[Exception], bool]) -> T:
    """Call a function, again and again while what it needs is away; what it does may thus be done twice.

    Args:
        call: What is tried.
        is_absence: Whether an exception means that something is away, so that another try may succeed.

    Returns:
        What `call` returns.

    Raises:
        Exception: What `call` raises: at once where it is no absence, else after the last try.
    """
    for wait in PATIENCE:
        try:
            return call()
        except Exception as error:
            if not is_absence(error):
                raise
            log.warning("%s; trying again in %g s", error, wait)
            time.sleep(wait)
    return call()
