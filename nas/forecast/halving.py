"""How many trials reach each rung under asynchronous successive halving."""

from __future__ import annotations

import random
from functools import lru_cache

from nas.strategies.asha import SuccessiveHalving

SIMULATED = 1000
"""Trials that are simulated at most; each further one is taken to go on with the probability 1/reduction, as it does
once a rung has many scores.
"""

DRAWS = 20_000
"""Trials over all repetitions, so that few trials are simulated more often."""

LEAST_REPETITIONS, MOST_REPETITIONS = 20, 2000


@lru_cache(maxsize=256)
def expected_at_rungs(trials: int, rungs: int, reduction: float | None) -> tuple[float, ...]:
    """Expected number of trials that reach each of `rungs` rungs; all of them without a reduction.

    The first trials at a rung have little to be compared with, so more than 1/reduction go on: a trial that finds n
    scores there does with the probability 1 - (1 + q (n - 1)) / (n + 1), q = 1 - 1/reduction, where scores are uniform
    and independent, and always for n = 0. What comes to a later rung has passed the earlier ones, the first trials more
    easily than the last. So this is a mean over simulations with `SuccessiveHalving` itself, one trial after the other,
    in which a trial keeps its place at every rung. Where rungs agree less, fewer go on.
    """
    if reduction is None:
        return (float(trials),) * rungs
    simulated = min(trials, SIMULATED)
    repetitions = min(max(LEAST_REPETITIONS, DRAWS // simulated), MOST_REPETITIONS)
    rng = random.Random(0)  # noqa: S311  a simulation, not a secret
    reached = [0] * rungs
    for _ in range(repetitions):
        for rung, count in enumerate(_simulate(simulated, rungs, reduction, rng)):
            reached[rung] += count
    rest = trials - simulated
    return tuple(count / repetitions + rest / reduction**rung for rung, count in enumerate(reached))


def _simulate(trials: int, rungs: int, reduction: float, rng: random.Random) -> list[int]:
    halving = SuccessiveHalving(range(1, rungs + 1), reduction)
    reached = [0] * rungs
    for number in range(trials):
        score = rng.random()
        for rung in range(rungs):
            reached[rung] += 1
            if not halving.record(number, rung + 1, score):
                break
    return reached
