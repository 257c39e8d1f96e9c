"""Whether what drivers and trials import is installed beside the service, found out without importing any of it."""

from __future__ import annotations

import importlib.util

DRIVER_IMPORTS = ("aiohttp", "fsspec", "pandas", "psutil", "pyarrow", "ray", "requests", "safetensors", "torch")
"""Modules beyond the core's without which no driver or trial starts: of `segnas[worker]`, and what `ray[default,tune]`
brings along (aiohttp is the job server's)."""


def missing_modules() -> list[str]:
    """Find the modules of `DRIVER_IMPORTS` that are not installed beside this process."""
    return [name for name in DRIVER_IMPORTS if importlib.util.find_spec(name) is None]


def why_no_driver() -> str | None:
    """Say why no driver could run on this machine; None when the modules that it imports are there."""
    missing = missing_modules()
    if not missing:
        return None
    return (
        f"no search can run here without {', '.join(missing)}: pip install 'segnas[server]', or name a Ray cluster "
        "with SEGNAS_RAY_DASHBOARD"
    )
