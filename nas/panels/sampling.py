"""Which trials of many are drawn."""

from __future__ import annotations

SAMPLE = 400
"""Points of a chart at most, beside the best ones."""


def every(trials: int) -> int:
    """Compute the least power of two such that every so manieth of the trials makes at most `SAMPLE` points.

    A point that was drawn stays while trials are added.
    """
    step = 1
    while trials > SAMPLE * step:
        step *= 2
    return step


def sample_text(step: int, which: str = "") -> str:
    """Say in words which trials a sample of every so manieth has: "all trials with a score".

    Args:
        step: Of the sample.
        which: What the trials have in common, such as "with a score".
    """
    trials = f"trials {which}".strip()
    return f"all {trials}" if step == 1 else f"those {trials} whose number is a multiple of {step}"
