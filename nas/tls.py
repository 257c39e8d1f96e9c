"""Which certificates of servers are believed."""

from __future__ import annotations

import ssl
from pathlib import Path


def verification(authority: Path | None) -> ssl.SSLContext | bool:
    """Make what httpx takes as `verify`.

    Args:
        authority: A PEM file with the certificates of the authorities that are believed, and no others; None believes
            those that httpx does.

    Returns:
        The context of the authority, or True.

    Raises:
        ValueError: The file cannot be read, or holds no certificate.
    """
    if authority is None:
        return True
    try:
        return ssl.create_default_context(cafile=authority.expanduser())
    except ssl.SSLError as error:
        raise ValueError(f"{authority} holds no certificate in PEM format: {error}") from None
    except OSError as error:
        raise ValueError(f"{authority} cannot be read: {error.strerror or error}") from None
