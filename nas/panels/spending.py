"""What a search has cost, beside what it was expected to cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nas.formatting import duration
from nas.schemas.panels import BarPublic, BarsPanel


def spending_panel(device_seconds: float, ended: int, planned: int, forecast: dict[str, Any] | None) -> BarsPanel:
    """Make the bars of device time: so far, as it was forecast, as it will be at the mean so far.

    Args:
        device_seconds: Of all trials so far.
        ended: Number of trials that are over.
        planned: Number of trials that the search will have, at most.
        forecast: The forecast that was made when the search was created, as its record has it; None without one.
    """
    expected = None if forecast is None else forecast.get("device_seconds")
    rate = device_seconds / ended * planned if 0 < ended < planned else None
    most = max(device_seconds, expected or 0.0, rate or 0.0) or 1.0
    bars = [BarPublic(text="so far", value=device_seconds / most, value_text=duration(device_seconds))]
    if rate is not None:
        bars.append(BarPublic(text="all, at the mean so far", value=rate / most, value_text=duration(rate)))
    if expected is not None:
        bars.append(BarPublic(text="all, by the forecast", value=expected / most, value_text=duration(expected)))
    return BarsPanel(title="Device time", bars=tuple(bars), notes=tuple(_notes(expected, forecast)))


def _notes(expected: float | None, forecast: dict[str, Any] | None) -> Iterator[str]:
    if forecast is None:
        yield "No forecast was made when the search was created."
    elif expected is None:
        yield f"The forecast had no cost: {forecast.get('reason') or 'nothing comparable was measured'}."
    elif basis := forecast.get("basis"):
        yield f"The forecast rests on {basis}."
