"""Hyperband: successive halving in several brackets, which begin to stop trials at different rungs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from nas.specs import Vector
from nas.strategies.stopping.base import EarlyStopper, checked_reduction


class Hyperband(EarlyStopper):
    """Runs each trial in one of several brackets of successive halving: bracket b stops nothing at the first b rungs.

    Early rungs may order architectures otherwise than the last one. Halving that begins at the first rung then loses
    the best ones; a bracket that begins later does not, and costs more for each trial. Hyperband spreads its cost
    evenly over the brackets. A trial's bracket follows from its number: each number goes to the bracket that is
    furthest behind its share of the trials. Trials are compared with those of their own bracket only. At the rungs that
    a bracket skips its trials are unjudged.

    Source:
        Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 2018; asynchronous as
        in Li et al., MLSys 2020, section 3.3.

    Args:
        rungs: Iterations at which trials are judged, strictly ascending.
        halvings: The rule of each bracket, as new, from the one that stops earliest; at most one for each rung.
        reduction: Of the halvings; above 1.

    Raises:
        ValueError: There are more brackets than rungs, or none, or the reduction is not above 1.
    """

    def __init__(self, rungs: Sequence[int], halvings: Sequence[EarlyStopper], reduction: float) -> None:
        super().__init__(rungs)
        if not 1 <= len(halvings) <= len(rungs):
            raise ValueError(f"brackets must be 1 to {len(rungs)}, one for each rung at most, not {len(halvings)}")
        self._halvings = tuple(halvings)
        self._shares = bracket_shares(rungs, len(halvings), checked_reduction(reduction))
        self._brackets: list[int] = []
        self._sizes = [0] * len(halvings)

    def bracket(self, number: int) -> int:
        """Return the bracket of a trial: the number of rungs at which it is not judged."""
        while len(self._brackets) <= number:
            total = len(self._brackets) + 1
            behind = [share * total - size for share, size in zip(self._shares, self._sizes, strict=True)]
            chosen = behind.index(max(behind))
            self._sizes[chosen] += 1
            self._brackets.append(chosen)
        return self._brackets[number]

    def _judge(self, number: int, iteration: int, values: Vector) -> bool | None:
        bracket = self.bracket(number)
        if iteration in self.rungs[:bracket]:
            return None
        return self._halvings[bracket]._judge(number, iteration, values)

    def _enter(self, number: int, iteration: int, values: Vector) -> None:
        bracket = self.bracket(number)
        if iteration in self.rungs[bracket:]:
            self._halvings[bracket]._enter(number, iteration, values)


def bracket_shares(rungs: Sequence[int], brackets: int, reduction: float) -> list[float]:
    """Compute the share of the trials in each bracket such that all brackets cost the same.

    In bracket b all trials reach rung b, and one in `reduction` of those at a rung passes it.

    Args:
        rungs: In iterations.
        brackets: Their number.
        reduction: Of the halvings.
    """
    costs = []
    for bracket in range(brackets):
        left = rungs[bracket:]
        steps = [left[0], *(b - a for a, b in itertools.pairwise(left))]
        costs.append(sum(step / reduction**place for place, step in enumerate(steps)))
    total = sum(1 / cost for cost in costs)
    return [1 / cost / total for cost in costs]
