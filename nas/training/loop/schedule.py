"""The learning rate at each step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas.specs import ScheduleSpec


def rate_factors(schedule: ScheduleSpec, rungs: tuple[int, ...]) -> NDArray[np.float64]:
    """Factor on the learning rate for each of the `rungs[-1]` steps.

    `per_rung` decays to zero within each interval between rungs and starts anew (warm-up included) after it (Loshchilov
    and Hutter, ICLR 2017). So a score taken at a rung is that of a network whose schedule is over: it compares with a
    trial that was only ever that long, and a later rung's score is that of a longer, restarted training. With `single`
    (the paper's) only the last rung's score is: earlier ones are taken at a high learning rate, lower and noisier.
    """
    if schedule.name == "single":
        return decay(rungs[-1], schedule.power, schedule.warmup)
    lengths = np.diff((0, *rungs))
    return np.concatenate([decay(int(length), schedule.power, schedule.warmup) for length in lengths])


def decay(steps: int, power: float, warmup: int) -> NDArray[np.float64]:
    """Linear warm-up to 1, then (1 - t/T)^power over the rest, (steps,); the last step still has a rate above zero.

    A warm-up longer than half the steps is cut to that half.
    """
    warmup = min(warmup, steps // 2)
    rest = steps - warmup
    return np.concatenate([np.arange(1, warmup + 1) / max(warmup, 1), (1 - np.arange(rest) / rest) ** power])
