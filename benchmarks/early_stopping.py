"""Does stopping by an extrapolated curve, or pausing and promoting, pay? `python -m benchmarks.early_stopping TABLE`.

Searches that draw a table's random cells in random order, replayed in virtual time on `--workers` workers, with rules
that differ only in which trials continue. Each row says how far below the table's best cell (by mean score over seeds)
the best of the search's first three is, which is what a confirmation finds, after so many device-seconds: the mean over
`--seeds` searches, which differ in the order of the cells and in the seed that each cell is measured with.

- `none` stops nothing. `asha` is the product's rule, from the first rung or from a later one.
- `promotion` is ASHA as its paper writes it: every trial pauses at every rung, and a free worker continues the best
  third of a rung before it begins another cell.
- `curve` predicts a trial's last score from its scores so far: a line fitted by least squares to the completed trials,
  whose residuals say how far it may be off. It stops a trial whose chance to beat the best completed one is below
  `--chance`. One in `--explore` trials is never stopped, so that the line is not fitted to the good ones alone.
"""

from __future__ import annotations

import argparse
import heapq
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import NormalDist, mean, median, stdev
from typing import NamedTuple

import numpy as np

import nas.heads_bench
from benchmarks._recorded import Recorded, recorded
from nas.ranking.correlation import Floats
from nas.specs import Vector
from nas.strategies.stopping.asha import SuccessiveHalving
from nas.strategies.stopping.base import EarlyStopper

REDUCTION = 3
CONFIRMED = 3
"""Cells that a confirmation measures again, of which it finds the best."""

STARTUP = 10
"""Completed trials before the line is fitted."""

BUDGETS = {"colin27": (150, 300, 600, 1200), "scenes": (75, 150, 300, 600)}
"""Device-seconds at which the regret is read; about 22, 45, 90 and 180 trials that nothing stops."""


class ExtrapolatedCurve(EarlyStopper):
    """Stops a trial that is unlikely to end above the best completed one.

    Args:
        rungs: Iterations at which trials are judged.
        chance: Of ending above the best, below which a trial is stopped.
        explore: One in so many trials is never stopped.
    """

    def __init__(self, rungs: Sequence[int], chance: float, explore: int) -> None:
        super().__init__(rungs)
        self._chance = chance
        self._explore = explore
        self._curves: dict[int, list[float]] = {}
        self._completed: list[list[float]] = []
        self._fitted: dict[int, tuple[int, Floats, float]] = {}

    def _judge(self, number: int, iteration: int, values: Vector) -> bool | None:  # noqa: ARG002  the base's signature
        if len(self._completed) < STARTUP:
            return None
        if number % self._explore == 0:
            return True
        seen = [*self._curves.get(number, []), values[0]]
        weights, spread = self._line(len(seen))
        best = max(curve[-1] for curve in self._completed)
        predicted = float(weights @ np.array([1.0, *seen]))
        return NormalDist(predicted, max(spread, 1e-6)).cdf(best) <= 1 - self._chance

    def _line(self, seen: int) -> tuple[Floats, float]:
        """Weights of a constant and the first `seen` scores, and the standard deviation of what they leave over."""
        count = len(self._completed)
        held = self._fitted.get(seen)
        if held is None or held[0] != count:
            curves = np.array(self._completed)
            inputs = np.column_stack([np.ones(count), curves[:, :seen]])
            weights, *_ = np.linalg.lstsq(inputs, curves[:, -1], rcond=None)
            left = curves[:, -1] - inputs @ weights
            held = count, weights, math.sqrt(float(left @ left) / max(1, count - seen - 1))
            self._fitted[seen] = held
        return held[1], held[2]

    def _enter(self, number: int, iteration: int, values: Vector) -> None:
        curve = self._curves.setdefault(number, [])
        curve.append(values[0])
        if iteration == self.rungs[-1]:
            self._completed.append(curve)


class Rule(ABC):
    """What a free worker does next, and whether a trial goes on from a rung."""

    @abstractmethod
    def goes_on(self, number: int, rung: int, score: float) -> bool:
        """Judge a trial at the rung of this place, which is not the last."""

    def promoted(self) -> int | None:
        """Return the number of a paused trial to continue; None for a new one."""
        return None

    def completed(self, number: int, rung: int, score: float) -> None:  # noqa: B027  most rules need none of it
        """Note the score of a trial at the last rung."""


class Stopping(Rule):
    """A rule of the product's contract, from the rung of a place on; before it every trial continues."""

    def __init__(self, rule: EarlyStopper, first: int = 0) -> None:
        self._rule = rule
        self._first = first

    def goes_on(self, number: int, rung: int, score: float) -> bool:
        return rung < self._first or self._rule.record(number, self._rule.rungs[rung - self._first], score)

    def completed(self, number: int, rung: int, score: float) -> None:
        self._rule.record(number, self._rule.rungs[rung - self._first], score)


class Everything(Rule):
    """Stops nothing."""

    def goes_on(self, number: int, rung: int, score: float) -> bool:  # noqa: ARG002  the base's signature
        return True


class Promotion(Rule):
    """ASHA, algorithm 2 of Li et al. (MLSys 2020): the best third of each rung is promoted when a worker is free."""

    def __init__(self, rungs: Sequence[int], first: int = 0) -> None:
        self._scores: list[dict[int, float]] = [{} for _ in rungs]
        self._promoted: list[set[int]] = [set() for _ in rungs]
        self._first = first

    def goes_on(self, number: int, rung: int, score: float) -> bool:
        self._scores[rung][number] = score
        return rung < self._first

    def promoted(self) -> int | None:
        for rung in reversed(range(self._first, len(self._scores) - 1)):
            scores, gone = self._scores[rung], self._promoted[rung]
            for number in heapq.nlargest(len(scores) // REDUCTION, scores, key=lambda one: scores[one]):
                if number not in gone:
                    gone.add(number)
                    return number
        return None


class Event(NamedTuple):
    """A trial has reached a rung; what the search has cost until now."""

    device_seconds: float
    number: int
    rung: int


def replay(scores: Floats, seconds: Floats, rule: Rule, workers: int) -> list[Event]:
    """Replay a search over cells in their order.

    Args:
        scores: Of each cell at each rung, (cells, rungs).
        seconds: Since its training began, likewise.
        rule: Which trials continue.
        workers: How many run at a time.

    Returns:
        Every measurement, in the order of time.
    """
    events: list[tuple[float, int, int]] = []
    spent, begun, now = 0.0, 0, 0.0
    reached: dict[int, int] = {}
    found = []

    def fill() -> None:
        nonlocal begun
        while len(events) < workers:
            number = rule.promoted()
            if number is not None:
                began = now - seconds[number, reached[number]]
                heapq.heappush(events, (began + seconds[number, reached[number] + 1], number, reached[number] + 1))
            elif begun < len(scores):
                heapq.heappush(events, (now + seconds[begun, 0], begun, 0))
                begun += 1
            else:
                return

    fill()
    while events:
        now, number, rung = heapq.heappop(events)
        spent += seconds[number, rung] - (seconds[number, rung - 1] if rung else 0.0)
        reached[number] = rung
        found.append(Event(spent, number, rung))
        if rung == scores.shape[1] - 1:
            rule.completed(number, rung, float(scores[number, rung]))
        elif rule.goes_on(number, rung, float(scores[number, rung])):
            due = now + seconds[number, rung + 1] - seconds[number, rung]
            heapq.heappush(events, (due, number, rung + 1))
        fill()
    return found


def first_ones(events: Sequence[Event], scores: Floats) -> list[int]:
    """Return the cells that stand first: a deeper rung stands above a higher score."""
    standing = {number: (rung, float(scores[number, rung])) for _, number, rung in events}
    return heapq.nlargest(CONFIRMED, standing, key=lambda number: standing[number])


def rules(rungs: Sequence[int], chance: float, explore: int) -> dict[str, Callable[[], Rule]]:
    """Name the rules that are compared, each as new."""
    later = len(rungs) - 2
    return {
        "none": Everything,
        f"asha from {rungs[0]}": lambda: Stopping(SuccessiveHalving(rungs, REDUCTION)),
        f"promotion from {rungs[0]}": lambda: Promotion(rungs),
        f"asha from {rungs[later]}": lambda: Stopping(SuccessiveHalving(rungs[later:], REDUCTION), later),
        f"promotion from {rungs[later]}": lambda: Promotion(rungs, later),
        f"curve, chance {chance:g}": lambda: Stopping(ExtrapolatedCurve(rungs, chance, explore)),
        f"curve, chance {chance / 5:g}": lambda: Stopping(ExtrapolatedCurve(rungs, chance / 5, explore)),
    }


def regrets(of: Recorded, rule: Callable[[], Rule], budgets: Sequence[float], seeds: int, workers: int) -> list[str]:
    """Make a row: the mean regret at each budget with its standard error, then device-seconds and completed trials."""
    cells = of.cells
    means = of.scores[cells, :, -1].mean(axis=1)
    at: list[list[float]] = [[] for _ in budgets]
    ends, completed = [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        order, drawn = rng.permutation(len(cells)), rng.integers(of.scores.shape[1], size=len(cells))
        rows = cells[order]
        scores, seconds = of.scores[rows, drawn], of.seconds[rows, drawn]
        events = replay(scores, seconds, rule(), workers)
        spent = np.array([event.device_seconds for event in events])
        for budget, found in zip(budgets, at, strict=True):
            until = max(1, int(np.searchsorted(spent, budget, side="right")))
            found.append(float(means.max() - means[order[first_ones(events[:until], scores)]].max()))
        ends.append(events[-1].device_seconds)
        completed.append(sum(event.rung == scores.shape[1] - 1 for event in events))
    texts = [f"{mean(found):.4f} ± {stdev(found) / math.sqrt(seeds):.4f}" for found in at]
    return [*texts, f"{median(ends):.0f}", f"{median(completed):.0f}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.early_stopping")
    parser.add_argument("table", type=Path)
    parser.add_argument("--dataset", help="default: all of the table")
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--chance", type=float, default=0.25)
    parser.add_argument("--explore", type=int, default=5)
    given = parser.parse_args(arguments)
    table = nas.heads_bench.open(given.table)
    for dataset in table.datasets if given.dataset is None else (given.dataset,):
        of, budgets = recorded(table, dataset), BUDGETS.get(dataset, (100, 200, 400, 800))
        print(f"\n{dataset}: {len(of.cells)} cells, {given.seeds} searches, {given.workers} workers\n")
        titles = [
            "rule",
            *(f"regret after {budget} device-seconds" for budget in budgets),
            "the whole list",
            "completed",
        ]
        print(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|")
        for name, rule in rules(of.rungs, given.chance, given.explore).items():
            print(f"| {' | '.join([name, *regrets(of, rule, budgets, given.seeds, given.workers)])} |", flush=True)


if __name__ == "__main__":
    main()
