"""Packages that some commands need, and that are not installed everywhere."""

from __future__ import annotations

import importlib.util


def require_torch(who: str) -> None:
    """Check that torch is installed; `who` begins the sentence.

    Raises:
        ValueError: It is not.
    """
    if importlib.util.find_spec("torch") is None:
        raise ValueError(f"{who} torch: pip install 'segnas[worker]'")


def require_matplotlib() -> None:
    """Check that matplotlib is installed.

    Raises:
        ValueError: It is not.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError("a plot needs matplotlib: pip install 'segnas[worker]'")
