"""Checkpoints: the state of a training, saved so that another process can resume it."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

import torch

from nas.atomic import write_atomically
from search_spaces.base import content_key

FORMAT = 2
"""Part of every checkpoint key; to be raised when the state changes."""

_log = logging.getLogger(__name__)


def checkpoint_key(
    architecture_key: str, fidelity_key: str, seed: int, device: torch.device, processes: int = 1
) -> str:
    """Compute the key of a training's checkpoint; a state fits only the same kind of device and number of processes."""
    several = [processes] if processes > 1 else []
    return content_key([FORMAT, architecture_key, fidelity_key, seed, device.type, *several])


def save_checkpoint(path: Path, key: str, state: dict[str, Any]) -> None:
    """Save a state atomically: a reader finds the previous state or the new one.

    Raises:
        OSError: The disk is full.
    """
    write_atomically(path, lambda temporary: torch.save({"key": key, "state": state}, temporary))


def load_checkpoint(path: Path, key: str) -> dict[str, Any] | None:
    """Load the state in a file; None where the file is missing, unreadable (which is logged) or of another key."""
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
