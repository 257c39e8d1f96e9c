"""Examine this machine: installed packages, the home folder, what is registered."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nas.data.registrations import Registered
from nas.doctor.finding import Finding, Level
from nas.settings import Settings

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "api": ("fastapi", "uvicorn", "sse_starlette"),
    "server": ("fastapi", "ray", "torch"),
    "worker": ("torch", "ray", "pyarrow", "safetensors", "matplotlib", "psutil"),
    "hf": ("transformers",),
    "timm": ("timm",),
    "onnx": ("onnx", "onnxscript"),
    "albumentations": ("albumentations",),
    "loggers": ("tensorboard", "mlflow"),
    "pandas": ("pandas",),
    "storage": ("fsspec", "s3fs"),
}
"""Packages by which an extra is known to be installed."""

LEAST_BYTES = 100 << 20
FEW_BYTES = 2 << 30
"""Free space below which nothing can be recorded any more, and below which a search may fill the disk."""

_SHOWN = ("segnas", "pydantic", "sqlalchemy", "ray", "torch")


def versions() -> Iterator[Finding]:
    """Say which versions are installed, and which extras are not."""
    found = [f"{name} {importlib.metadata.version(name)}" for name in _SHOWN if _installed(name)]
    yield Finding("versions", Level.OK, ", ".join([*found, f"Python {platform.python_version()}", platform.platform()]))
    for extra, packages in EXTRAS.items():
        missing = [name for name in packages if not _installed(name)]
        if missing:
            sentence = f"{', '.join(missing)} not installed: pip install 'segnas[{extra}]' where it is needed"
            yield Finding("versions", Level.NOTE, sentence)


def _installed(name: str) -> bool:
    return importlib.util.find_spec({"segnas": "nas"}.get(name, name)) is not None


def folders(settings: Settings) -> Iterator[Finding]:
    """Say whether the home folder can be written to, and whether its disk has room."""
    home = settings.folder
    if not home.exists():
        yield Finding("home", Level.NOTE, f"{home} is not there yet: segnas init makes it, and so does segnas serve")
        return
    below = [path for path in (settings.cache, settings.artifacts) if path.exists()]
    closed = [str(path) for path in (home, *below) if not os.access(path, os.W_OK | os.X_OK)]
    if closed:
        yield Finding("home", Level.WRONG, f"{', '.join(closed)} cannot be written to by this user")
    if home.stat().st_mode & 0o077:
        yield Finding("home", Level.NOTE, f"others on this machine can look into {home}: chmod 700 {home}")
    for folder in {folder.stat().st_dev: folder for folder in (*below, home)}.values():
        yield _room(folder)


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    level = Level.WRONG if free < LEAST_BYTES else Level.NOTE if free < FEW_BYTES else Level.OK
    return Finding("home", level, f"{free / (1 << 30):.1f} GiB free for {folder}")


def registrations(settings: Settings) -> Iterator[Finding]:
    """Say which registered data sets and weights cannot be read, or are not on this machine."""
    yield from _registered("data sets", settings.registered_datasets, "root")
    yield from _registered("weights", settings.registered_weights, "path")


def _registered(part: str, entries: Registered[Any], field: str) -> Iterator[Finding]:
    sound = []
    for name in entries:
        try:
            path = getattr(entries[name], field).expanduser()
        except (ValueError, RuntimeError) as error:
            yield Finding(part, Level.WRONG, f"{name}: {error}")
            continue
        if path.exists():
            sound.append(name)
        else:
            yield Finding(part, Level.NOTE, f"{name}: {path} is not on this machine")
    if entries.unread is not None:
        yield Finding(part, Level.WRONG, entries.unread)
    yield Finding(part, Level.OK, f"on this machine: {', '.join(sound) or 'none'}")
