"""An outage: the time in which a service does not answer, and whether, how long and how often to ask meanwhile."""

from __future__ import annotations

import logging
import time
from typing import Protocol

from nas.client.errors import ClientError
from nas.formatting import duration

PATIENCE = 30.0
"""Seconds during which a request is sent again, by default."""

RESTART_SECONDS = 600.0
"""How long a service that does not answer is waited for while a search is followed, by default."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0

LONGEST_LOOK = 75.0
"""What lies between two looks at a service counts for at most so long, a pause and a request that runs out of time: a
client that was itself stopped for longer (Ctrl-Z) would give up when it goes on."""

QUIET_SECONDS = 5.0
"""After so long without an answer, whoever waits is told, however it ended."""

log = logging.getLogger("segnas.client")


class Asked(Protocol):
    """What is asked again: the connection to a service."""

    url: str

    def waits_for(self, error: ClientError) -> bool:
        """Whether it makes sense to send a request again that ended in an error."""
        ...


class Outage:
    """The waits between two answers of a service: longer from time to time, and told once in a line of the log.

    Args:
        asked: The connection.
        patience: Seconds without an answer after which the wait is given up.
    """

    def __init__(self, asked: Asked, patience: float) -> None:
        self._asked = asked
        self._patience = patience
        self.end()

    def end(self) -> None:
        """Take note that the service has answered: the next outage has all of the patience, and a line of its own."""
        self._looked = time.monotonic()
        self._silent = 0.0
        self._pause = FIRST_PAUSE
        self._errors = 0
        self._announced = False

    def pause_after(self, error: ClientError) -> float:
        """Give the seconds until the service is asked again.

        A connection that was lost is opened again without a word; that nobody is there, that it happens twice in a row,
        or that there was no answer for long, is told.

        Args:
            error: Of the last request.

        Raises:
            ClientError: The error: to wait makes no sense, or takes too long.
        """
        pause = max(self._pause, min(error.retry_after or 0.0, LONGEST_PAUSE))
        now = time.monotonic()
        self._silent += min(now - self._looked, LONGEST_LOOK)
        self._looked = now
        if not (self._silent + pause <= self._patience and self._asked.waits_for(error)):
            raise error
        self._errors += 1
        if not self._announced and (error.refused or self._errors > 1 or self._silent > QUIET_SECONDS):
            self._announced = True
            log.warning("%s, so it is waited for, up to %s", self._why(error), duration(self._patience))
        self._pause = min(2 * pause, LONGEST_PAUSE)
        return pause

    def _why(self, error: ClientError) -> str:
        if error.status is not None:
            return f"not yet, says the service at {self._asked.url} ({error})"
        return f"no answer from {self._asked.url}: it may be restarting"
