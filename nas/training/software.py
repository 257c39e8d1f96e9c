"""Which versions made a result."""

from __future__ import annotations

import importlib.metadata
import platform


def software_versions() -> dict[str, str]:
    """Python and the packages that decide numbers; "source" for a Segnas that is not installed."""
    versions = {"python": platform.python_version()}
    for package in ("segnas", "torch", "numpy", "pillow"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "source"
    return versions
