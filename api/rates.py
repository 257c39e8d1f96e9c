"""How many requests a token may send: a bucket for each token, which fills at a steady rate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from nas.store import TokenRecord


@dataclass
class _Bucket:
    left: float
    filled: float


class Rates:
    """Counts the requests of tokens that have a limit; one object for each service, used in its event loop alone.

    A token may send as many requests at once as it may send in a minute; after that, one for each that has come back
    to it.

    Args:
        clock: A monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def pause(self, token: TokenRecord) -> int:
        """Count a request.

        Returns:
            0, or the whole seconds after which the token may send a request again; then this one does not count.
        """
        most, now = token.requests_per_minute, self._clock()
        if most is None:
            self._buckets.pop(token.id, None)
            return 0
        bucket = self._buckets.setdefault(token.id, _Bucket(float(most), now))
        bucket.left = min(float(most), bucket.left + (now - bucket.filled) * most / 60)
        bucket.filled = now
        if bucket.left >= 1:
            bucket.left -= 1
            return 0
        return max(1, math.ceil((1 - bucket.left) * 60 / most))
