"""How many trials reach each rung under asynchronous successive halving."""

from __future__ import annotations

import random
from functools import lru_cache

from nas.strategies.stopping.asha import SuccessiveHalving

SIMULATED = 1000
"""Trials that are simulated at most. Every further trial is assumed to pass a rung with the probability 1/reduction,
which is true once the rung has many scores.
"""

DRAWS = 20_000
"""Simulated trials over all repetitions: the fewer trials a search has, the more often the search is simulated."""

LEAST_REPETITIONS, MOST_REPETITIONS = 20, 2000


@lru_cache(maxsize=256)
def expected_at_rungs(trials: int, rungs: int, reduction: float | None) -> tuple[float, ...]:
    """Expected number of trials that reach each rung under asynchronous successive halving.

    The first trials at a rung have little to be compared with, so more than 1/reduction of them pass. A trial that
    meets n scores at a rung passes with the probability 1 - (1 + q (n - 1)) / (n + 1), q = 1 - 1/reduction, where
    scores are uniform and independent, and always for n = 0. Trials at a later rung have passed the earlier rungs, the
    first trials more easily than the last. So the result is a mean over simulations with `SuccessiveHalving` itself,
    one trial after the other, in which a trial has the same score at every rung. Where rungs agree less in their order,
    fewer trials pass.

    Args:
        trials: Number of trials of the search.
        rungs: Number of rungs.
        reduction: Of the halving; None stops no trial.

    Returns:
        The expected number of trials at each rung.
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
