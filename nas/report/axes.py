"""The axis of a chart: where its ticks stand, and where a value lies along it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """An axis from one place of a drawing to another.

    Attributes:
        ticks: The values that are written at the axis, ascending.
        low: The value at `start`.
        high: The value at `end`.
        start: Coordinate of the lower end.
        end: Coordinate of the upper end.
        log: Whether the axis is logarithmic.
    """

    ticks: tuple[float, ...]
    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Compute the coordinate of a value."""
        low, high, at = (map(math.log10, (self.low, self.high, value))) if self.log else (self.low, self.high, value)
        return self.start + (at - low) / (high - low) * (self.end - self.start)


def linear_axis(values: Iterable[float], start: float, end: float, *, zero: bool = False, count: int = 5) -> Axis:
    """Make an axis whose ends are round numbers around all values.

    Args:
        values: The values; without any, the axis goes from 0 to 1.
        start: Coordinate of the lower end.
        end: Coordinate of the upper end.
        zero: Whether the axis begins at 0 where no value is below it.
        count: About how many ticks it has.
    """
    known = [*values] or [0.0, 1.0]
    low, high = min(known), max(known)
    if zero:
        low = min(low, 0.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.05 * max(1.0, abs(low)) * (not zero or low < 0), high + 0.05 * max(1.0, abs(high))
    step = _step((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(index * step, 12) for index in range(first, last + 1))
    return Axis(ticks, ticks[0], ticks[-1], start, end)


def log_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """Make a logarithmic axis around all values, which are above 0, with a little room at both ends.

    Its ticks are powers of ten; within less than two decades also twice and five times as much.
    """
    known = [*values] or [1.0, 10.0]
    low, high = min(known) / 1.5, max(known) * 1.5
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1.0, 2.0, 5.0) if high / low < 100 else (1.0,)
    ticks = tuple(factor * 10.0**power for power in decades for factor in factors)
    return Axis(tuple(tick for tick in ticks if low <= tick <= high), low, high, start, end, log=True)


def tick_text(value: float, ticks: Iterable[float]) -> str:
    """Write a tick with as many decimals as tell it from its neighbours."""
    known = list(ticks)
    steps = [after - before for before, after in itertools.pairwise(known)] or [abs(value) or 1.0]
    decimals = max(0, -math.floor(math.log10(min(steps)) + 1e-9)) if known and min(steps) > 0 else 0
    return f"{value:,.{decimals}f}"


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
