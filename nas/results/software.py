"""Versions of the software that produces results."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform

PACKAGES = ("segnas", "torch", "numpy", "pillow", "optuna", "ray")


def software_versions() -> dict[str, str]:
    """Get the versions of Python and of the packages that decide numbers; "source" for a Segnas not installed."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {"segnas": "source", **versions}
