"""Versions of the software that produces results."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform

PACKAGES = ("segnas", "torch", "numpy", "pillow", "optuna", "ray")

DECIDING = ("segnas", "torch", "numpy", "pillow")
"""The packages on whose versions the score of a trial depends."""

SCORES_REVISION = 2
"""Raised by every change of this code after which the same trial may score otherwise, within one version too.

2: Auto-DeepLab networks are measured in their canonical order; SGR's activation comes before the word vectors.
"""


def software_versions() -> dict[str, str]:
    """Get the versions of Python and of the packages that decide numbers; "source" for a Segnas not installed."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {"segnas": "source", **versions}


def deciding_versions() -> dict[str, str]:
    """Get the versions on which the score of a trial depends, with the revision of this code's scores."""
    versions = software_versions()
    deciding = {package: versions[package] for package in DECIDING if package in versions}
    return {**deciding, "segnas scores": str(SCORES_REVISION)}
