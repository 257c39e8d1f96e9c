"""Numbers as the command line and the page show them."""

from __future__ import annotations


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


def cost(device_seconds: float | None) -> str:
    """Format the cost of measuring one architecture: like `duration`, but below one second in milliseconds.

    Training-free scores cost milliseconds.
    """
    if device_seconds is not None and device_seconds < 0.95:
        return f"{1000 * device_seconds:.0f} ms"
    return duration(device_seconds)


def interval(low: float, high: float) -> str:
    """Format an interval of rank correlations: "0.42 to 0.93"."""
    return f"{low:.2f} to {high:.2f}"


def quantity(count: int | None) -> str:
    """Format a large count in thousands, millions or billions: "950", "12.9 k", "9.3 M"; an empty text for None."""
    if count is None:
        return ""
    for power, unit in ((9, " G"), (6, " M"), (3, " k")):
        if count >= 10**power:
            return f"{count / 10**power:.1f}{unit}"
    return str(count)
