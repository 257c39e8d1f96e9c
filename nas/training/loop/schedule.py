"""The learning rate at each step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas.specs import ScheduleSpec


def rate_factors(schedule: ScheduleSpec, rungs: tuple[int, ...]) -> NDArray[np.float64]:
    """Compute the factor on the learning rate for each of the `rungs[-1]` steps.

    The schedule `per_rung` decays to zero within each interval between rungs and restarts, warm-up included, after the
    rung. So the score at each rung is measured at the end of a schedule: it compares with the score of a trial that was
    only ever that long, and the score at a later rung is that of a longer, restarted training. With `single`, the
    schedule of the paper, only the last rung is at the end of a schedule: earlier scores are measured at a high
    learning rate, and are lower and noisier.

    Source:
        Loshchilov and Hutter, SGDR, ICLR 2017 (restarts).
    """
    lengths = [rungs[-1]] if schedule.name == "single" else np.diff((0, *rungs))
    if schedule.decay == "cosine":
        return np.concatenate([cosine_decay(int(length), schedule.warmup) for length in lengths])
    return np.concatenate([decay(int(length), schedule.power, schedule.warmup) for length in lengths])


def decay(steps: int, power: float, warmup: int) -> NDArray[np.float64]:
    """Compute factors on a learning rate: linear warm-up to 1, then (1 - t/T)^power, above zero at the last step.

    Args:
        steps: Length of the schedule.
        power: Of the polynomial decay.
        warmup: Steps of the warm-up; at most half of all steps are used for it.

    Returns:
        `(steps,)`.
    """
    rising, elapsed = _phases(steps, warmup)
    return np.concatenate([rising, (1 - elapsed) ** power])


def cosine_decay(steps: int, warmup: int) -> NDArray[np.float64]:
    """Compute factors on a learning rate: linear warm-up to 1, then (1 + cos(pi t/T)) / 2, above zero at the last step.

    Args:
        steps: Length of the schedule.
        warmup: Steps of the warm-up; at most half of all steps are used for it.

    Returns:
        `(steps,)`.

    Source:
        Loshchilov and Hutter, SGDR, ICLR 2017, equation 5 with smallest rate 0.
    """
    rising, elapsed = _phases(steps, warmup)
    return np.concatenate([rising, (1 + np.cos(np.pi * elapsed)) / 2])


def _phases(steps: int, warmup: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The factors of the warm-up, and t/T of the steps after it."""
    warmup = min(warmup, steps // 2)
    rest = steps - warmup
    return np.arange(1, warmup + 1) / max(warmup, 1), np.arange(rest) / rest
