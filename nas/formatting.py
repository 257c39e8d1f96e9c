"""Numbers as the command line and the page show them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search_spaces.latency import Latency


def score(value: float | None) -> str:
    """Format a score with four decimals: "0.6213"; an empty text for None."""
    return "" if value is None else f"{value:.4f}"


def duration(seconds: float | None) -> str:
    """Format seconds in a unit that suits: "2.3 s", "65 s", "10.0 min", "2.0 h", "2 days"; an empty text for None."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def elapsed(seconds: float) -> str | None:
    """Format the seconds between two times of day; None where the clock was set back between them, so nobody knows."""
    return duration(seconds) if seconds >= 0 else None


def cost(device_seconds: float | None) -> str:
    """Format the cost of measuring one architecture: like `duration`, but below one second in milliseconds.

    Training-free scores cost milliseconds.
    """
    if device_seconds is not None and device_seconds < 0.95:
        return f"{1000 * device_seconds:.0f} ms"
    return duration(device_seconds)


def expected_cost(device_seconds: float, seconds: float | None, basis: str | None) -> str:
    """Say what trials are expected to cost: "80 s of device time, 20 s from the first trial to the last".

    Args:
        device_seconds: Of all of them.
        seconds: From the first to the last.
        basis: What was measured, in words.
    """
    return (
        f"{duration(device_seconds)} of device time, {duration(seconds)} from the first trial to the last, preparation "
        f"not counted ({basis})"
    )


def interval(low: float, high: float) -> str:
    """Format an interval of rank correlations: "0.42 to 0.93"."""
    return f"{low:.2f} to {high:.2f}"


def objective_value(text: str, value: float) -> str:
    """Format the value of an objective: "0.6213", "12,345" parameters, "1.2 M" multiply-adds, "3.21 ms".

    Args:
        text: The objective in words, as `nas.specs.objective_text` has it.
        value: In its own unit.
    """
    match text:
        case "parameters":
            return f"{value:,.0f}"
        case "multiply-adds":
            return f"{value / 1e6:,.1f} M"
        case "latency":
            return milliseconds(value)
        case _:
            return score(value)


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """Write a number of things: "1 thread", "12,000 trials", "2 classes".

    Args:
        count: How many.
        noun: What one of them is called.
        nouns: What several are called; None adds an s.
    """
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def worth_text(objective: str, value: float | None, miou: float | None) -> str:
    """Say what a trial is worth to its search: "0.6213 mIoU", or "0.5100 IoU of person, 0.6213 mIoU".

    Args:
        objective: The search's first objective in words, as `nas.specs.objective_text` has it.
        value: Its value of that objective; None where it is not known.
        miou: Its validation mIoU in [0, 1].
    """
    own = "" if value is None or objective == "mIoU" else f"{objective_value(objective, value)} {objective}, "
    return f"{own}{score(miou)} mIoU"


def confirmed_text(objective: str, mean: float, seeds: int, worth: str, where: str = "in the search") -> str:
    """Say what a confirmed trial is worth: "0.6013 mIoU over 4 fresh seeds (0.6213 mIoU in the search)".

    Args:
        objective: The search's first objective in words.
        mean: Of its value over the fresh seeds.
        seeds: Their number.
        worth: What the trial itself measured, as `worth_text` has it.
        where: Where it measured that.
    """
    return f"{objective_value(objective, mean)} {objective} over {counted(seeds, 'fresh seed')} ({worth} {where})"


def compared_text(objective: str, direction: str) -> str:
    """Say what a ranking or a confirmation compares, and which values are the better ones.

    Args:
        objective: The search's first objective in words, as `nas.specs.objective_text` has it.
        direction: `maximise` or `minimise`.
    """
    better = "higher" if direction == "maximise" else "lower"
    return f"Compared by {objective}, the first objective of the search: {better} is better."


def milliseconds(value: float) -> str:
    """Format a time in milliseconds with three significant digits: "0.123 ms", "12.3 ms", "1,234 ms"."""
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{digits}f} ms"


def latency_text(latency: Latency) -> str:
    """Describe a measured latency in a line: head 3.21 ms (interquartile range 0.10 ms of 100 runs), 1 thread of X."""
    where = latency.model
    if latency.threads is not None:
        where = f"{counted(latency.threads, 'thread')} of {where}"
    spread = f"interquartile range {milliseconds(latency.iqr_ms)} of {counted(latency.runs, 'run')}"
    return f"{latency.what} {milliseconds(latency.median_ms)} ({spread}), {where}, torch {latency.torch}"


def agreement_text(latency: Latency, recorded: Latency) -> str:
    """Say in a sentence whether a latency that was measured again is within the spread of the two measurements."""
    if not latency.compares(recorded):
        return "not comparable: it was recorded on another device, or with other threads"
    apart = milliseconds(abs(latency.median_ms - recorded.median_ms))
    spread = f"{milliseconds(max(latency.iqr_ms, recorded.iqr_ms))}, the larger interquartile range"
    if latency.agrees(recorded):
        return f"within the spread: the medians are {apart} apart, no more than {spread}"
    return f"beyond the spread: the medians are {apart} apart, more than {spread}; other work only ever adds to one"


def quantity(count: int | None) -> str:
    """Format a large count in thousands, millions or billions: "950", "12.9 k", "9.3 M"; an empty text for None."""
    if count is None:
        return ""
    for power, unit in ((9, " G"), (6, " M"), (3, " k")):
        if count >= 10**power:
            return f"{count / 10**power:.1f}{unit}"
    return str(count)
