"""Failures that end a trial but not the search, as `TrialError` with one sentence."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

import torch

from nas.results.measurement import TrialError

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "cannot allocate memory")
"""Messages of torch's CPU allocator, which raises a plain RuntimeError."""

_ONE_VALUE = "Expected more than 1 value per channel"
"""Message of torch's batch norm for one image whose map has one cell, after pooling or because the crop is small."""


@contextlib.contextmanager
def trial_failures(activity: str) -> Iterator[None]:
    """Within the context, raise memory exhaustion and too few values for batch norm as TrialError.

    The local variables of the failing frames are cleared first: their tensors would keep the memory full for the next
    trial.

    Args:
        activity: Part of the message, after "while", such as "training".

    Raises:
        TrialError: Instead of the two failures above; all other exceptions pass through.
    """
    try:
        yield
    except (RuntimeError, MemoryError, ValueError) as error:
        reason = _reason(error, activity)
        if reason is None:
            raise
        traceback.clear_frames(error.__traceback__)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise TrialError(reason) from None


def _reason(error: Exception, activity: str) -> str | None:
    text = str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or any(part in text.lower() for part in _OUT_OF_MEMORY):
        return f"out of memory while {activity}: use a smaller batch, crop or head"
    if isinstance(error, ValueError) and _ONE_VALUE in text:
        return (
            f"a batch norm got one value per channel while {activity}, as a process has one image of a batch and its "
            f"map has one cell: give each process two images or more (a larger batch, or fewer processes)"
        )
    return None
