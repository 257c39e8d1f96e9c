"""Checkpoints: the state of a training, saved so that another process can resume it."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from nas.aids import aid
from nas.atomic import write_atomically
from nas.cache.entries import set_aside
from nas.cache.sealed import broken_by
from search_spaces.base import content_key

FORMAT = 2
"""Part of every checkpoint key; to be raised when the state changes."""

_SEAL = b"segnas-checkpoint"
"""What stands at the end of a complete file, before the sha256 of all that stands before."""

_THEN = "and the training begins anew"

_SEAL_BYTES = len(_SEAL) + hashlib.sha256().digest_size


def checkpoint_key(
    architecture_key: str, fidelity_key: str, seed: int, device: torch.device, processes: int = 1
) -> str:
    """Compute the key of a training's checkpoint; a state fits only the same kind of device and number of processes."""
    several = [processes] if processes > 1 else []
    return content_key([FORMAT, architecture_key, fidelity_key, seed, device.type, *several])


def save_checkpoint(path: Path, key: str, state: dict[str, Any]) -> None:
    """Save a state atomically, with a checksum: a reader finds the previous state or the new one.

    A checkpoint that cannot be written costs a warning, not the training.
    """
    buffer = io.BytesIO()  # not into the file: of a full disk torch says that it is a bug
    torch.save({"key": key, "state": state}, buffer)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.write(buffer.getbuffer())
            file.write(_SEAL + hashlib.sha256(buffer.getbuffer()).digest())

    with aid("checkpoint", path, "the training goes on, and begins from an earlier state if its process ends"):
        write_atomically(path, write)


def load_checkpoint(path: Path, key: str, *, refuse_others: bool = False) -> dict[str, Any] | None:
    """Load the state in a file, if it is whole; a broken file is named in the log and renamed.

    Args:
        path: The file.
        key: Of the training.
        refuse_others: Whether a file of another training is an error.

    Returns:
        The state; None where the file is missing, broken or of another training.

    Raises:
        ValueError: The file is of another training, and `refuse_others`.
    """
    try:
        content = _payload(path.read_bytes())
        stored = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        state: dict[str, Any] = stored["state"]
        belongs = stored["key"] == key
    except (FileNotFoundError, NotADirectoryError):
        return None
    except MemoryError:
        raise
    except OSError as error:
        broken = broken_by(error, path)
        if isinstance(broken, OSError):
            raise
        set_aside(path, f"checkpoint {broken}", _THEN)
        return None
    except Exception as error:  # where the checksum is right, torch may be another
        reason = (str(error) or type(error).__name__).splitlines()[0]
        set_aside(path, f"checkpoint {path} cannot be read ({reason})", _THEN)
        return None
    if not belongs and refuse_others:
        raise ValueError(f"checkpoint {path} is of another spec, seed or data set: name another file, or remove it")
    return state if belongs else None


def _payload(content: bytes) -> memoryview:
    payload, seal = memoryview(content)[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
    if not seal.startswith(_SEAL):
        raise ValueError("it is not complete, or of an earlier version")
    if seal != _SEAL + hashlib.sha256(payload).digest():
        raise ValueError("it has changed since it was written: its checksum is another one")
    return payload
