"""State on disk between processes."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

import torch

from nas.atomic import write_atomically
from search_spaces.base import content_key
from search_spaces.document import Architecture, architecture_to_dict

FORMAT = 1

_log = logging.getLogger(__name__)


def written_key(architecture: Architecture) -> str:
    """Content hash (sha256 hex) of an architecture as it is written.

    Unlike its `key`: architectures that differ only in the order of blocks are the same, but built in another order,
    and the weights of one would be taken for those of another.
    """
    return content_key(architecture_to_dict(architecture))


def checkpoint_key(
    architecture_key: str, fidelity_key: str, seed: int, device: torch.device, processes: int = 1
) -> str:
    """Whose state a file holds; neither a CPU's and a GPU's states nor those of more or fewer processes fit."""
    several = [processes] if processes > 1 else []
    return content_key([FORMAT, architecture_key, fidelity_key, seed, device.type, *several])


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
