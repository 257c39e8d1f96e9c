"""Which versions made a result."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform

PACKAGES = ("segnas", "torch", "numpy", "pillow", "optuna", "ray")


def software_versions() -> dict[str, str]:
    """Python and the packages that decide numbers, as installed; "source" for a Segnas that is not."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {"segnas": "source", **versions}
