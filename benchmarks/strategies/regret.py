"""Median and band of the regret of many runs, and what reaching the best cells costs beside another search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.strategies.runs import Run

Axis = Literal["trials", "device_seconds", "seconds"]

POINTS = 200
RESAMPLES = 10_000
LEVEL = 0.95


class Band(NamedTuple):
    """Quartiles of the regret over runs, at each point of an axis."""

    at: list[float]
    low: list[float]
    median: list[float]
    high: list[float]


class Ratio(NamedTuple):
    """Ratio of two mean costs with an interval; None where runs of one of the two did not get there."""

    value: float | None
    low: float | None
    high: float | None


def band(runs: Sequence[Run], axis: Axis) -> Band:
    """Compute the quartiles of the regret, from where every run has a regret to where every run has ended.

    Args:
        runs: Of one search, with different seeds.
        axis: What the regret is seen against.
    """
    first = max(getattr(run.steps[0], axis) for run in runs)
    last = max(first, min(getattr(run.steps[-1], axis) for run in runs))
    if axis == "trials":
        points = np.arange(first, last + 1, max(1, (last - first) // POINTS), dtype=np.float64)
    else:
        points = np.geomspace(first, last, POINTS)
    regrets = np.array([_regret_at(run, axis, points) for run in runs])
    low, median, high = np.quantile(regrets, [0.25, 0.5, 0.75], axis=0)
    return Band(points.tolist(), low.tolist(), median.tolist(), high.tolist())


def _regret_at(run: Run, axis: Axis, points: NDArray[np.float64]) -> NDArray[np.float64]:
    places = np.array([getattr(step, axis) for step in run.steps])
    regrets = np.array([step.regret for step in run.steps])
    found: NDArray[np.float64] = regrets[np.searchsorted(places, points, side="right") - 1]
    return found


def ratio(costs: Sequence[float], others: Sequence[float]) -> Ratio:
    """Compare the means of two independent samples of costs, with a bootstrap interval (percentiles, 95 %).

    Args:
        costs: Of the search in question; infinite for a run that did not get there.
        others: Of the search that it is compared with.
    """
    one, other = np.array(costs, dtype=np.float64), np.array(others, dtype=np.float64)
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return Ratio(None, None, None)
    rng = np.random.default_rng(0)
    means = [rng.choice(sample, (RESAMPLES, len(sample))).mean(axis=1) for sample in (one, other)]
    low, high = np.quantile(means[0] / means[1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Ratio(float(one.mean() / other.mean()), float(low), float(high))


def reached(costs: Sequence[float]) -> dict[str, float | int | None]:
    """Summarise costs: how many runs got there, and mean and quartiles, None where too few runs did."""
    finite = [cost for cost in costs if math.isfinite(cost)]
    ordered = sorted(costs)

    def quantile(q: float) -> float | None:
        found = ordered[min(len(ordered) - 1, int(q * len(ordered)))]
        return found if math.isfinite(found) else None

    mean = sum(finite) / len(finite) if len(finite) == len(costs) else None
    return {
        "runs": len(costs),
        "reached": len(finite),
        "mean": mean,
        **{name: quantile(q) for name, q in (("quartile_1", 0.25), ("median", 0.5), ("quartile_3", 0.75))},
    }
