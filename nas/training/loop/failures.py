"""What ends a trial without ending the search: turned into `TrialError` with one sentence."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

import torch

from nas.results.measurement import TrialError

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "cannot allocate memory")
"""How torch's CPU allocator says it, as a plain RuntimeError."""

_ONE_VALUE = "Expected more than 1 value per channel"
"""How torch's batch norm says that a map has become 1x1 at batch 1."""


@contextlib.contextmanager
def trial_failures(what: str) -> Iterator[None]:
    """Out of memory and maps too small for batch norm become TrialError; all else passes through.

    The variables of the failing frames are let go first: their tensors would keep the memory full for the next trial.
    """
    try:
        yield
    except (RuntimeError, MemoryError, ValueError) as error:
        reason = _reason(error, what)
        if reason is None:
            raise
        traceback.clear_frames(error.__traceback__)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise TrialError(reason) from None


def _reason(error: Exception, what: str) -> str | None:
    text = str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or any(sign in text.lower() for sign in _OUT_OF_MEMORY):
        return f"out of memory while {what}: use a smaller batch, crop or head"
    if isinstance(error, ValueError) and _ONE_VALUE in text:
        return f"the crop is too small for this architecture while {what}: a batch norm got a single value per channel"
    return None
