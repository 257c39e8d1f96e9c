"""`python -m workers.cluster.probe URL...`: the health check of a container; exit code 0 when every URL answers 200."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

_SECONDS = 20.0
"""For an answer. `/readyz` asks Ray before it answers; what limits a probe is whoever calls it."""


def why_unhealthy(urls: Sequence[str]) -> str | None:
    """Ask every URL, directly whatever proxy is set.

    Args:
        urls: Addresses of this machine.

    Returns:
        None when all answer 200; else a sentence about the first that does not.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for url in urls:
        try:
            with direct.open(url, timeout=_SECONDS) as reply:
                if reply.status != 200:
                    return f"{url} answers {reply.status}"
        except urllib.error.HTTPError as error:
            return f"{url} answers {error.code}: {error.read(1000).decode(errors='replace')}"
        except OSError as error:
            return f"{url} does not answer: {error}"
    return None


def main(urls: Sequence[str]) -> int:
    """Run the probe.

    Args:
        urls: What the command line names.

    Returns:
        The exit code; what is wrong is printed, for `docker inspect` and `kubectl describe` to show.
    """
    if not urls:
        raise SystemExit("usage: python -m workers.cluster.probe URL...")
    why = why_unhealthy(urls)
    if why is not None:
        print(why)
    return 0 if why is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
