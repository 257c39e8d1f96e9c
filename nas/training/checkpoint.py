"""State on disk between processes."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

import torch

from nas.data.atomic import write_atomically
from search_spaces.base import content_key

FORMAT = 1

_log = logging.getLogger(__name__)


def checkpoint_key(architecture_key: str, fidelity_key: str, seed: int, device: torch.device) -> str:
    """Whose state a file holds; optimiser states of a CPU and a GPU do not fit each other."""
    return content_key([FORMAT, architecture_key, fidelity_key, seed, device.type])


def save_checkpoint(path: Path, key: str, state: dict[str, Any]) -> None:
    """Write atomically: a reader finds the previous state or this one. OSError when the disk is full."""
    write_atomically(path, lambda temporary: torch.save({"key": key, "state": state}, temporary))


def load_checkpoint(path: Path, key: str) -> dict[str, Any] | None:
    """The state in `path` if it is there and belongs to `key`; else None, and training starts anew."""
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        state: dict[str, Any] = content["state"]
        belongs = content["key"] == key
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, LookupError, TypeError) as error:
        _log.warning("checkpoint %s cannot be read and is not used: %s", path, error)
        return None
    return state if belongs else None
