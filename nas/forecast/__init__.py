"""What a search will cost, before it starts: from what steps took that were measured, and who reaches which rung."""

from nas.forecast.evidence import Evidence, gather
from nas.forecast.halving import expected_at_rungs
from nas.forecast.probe import PROBE_RUNGS, probe_of
from nas.forecast.search import Forecast, RungForecast, RunsForecast, TrialsForecast, forecast

__all__ = [
    "PROBE_RUNGS",
    "Evidence",
    "Forecast",
    "RungForecast",
    "RunsForecast",
    "TrialsForecast",
    "expected_at_rungs",
    "forecast",
    "gather",
    "probe_of",
]
