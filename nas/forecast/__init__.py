"""What a search will cost, before it starts: from measured step times and the number of trials that reach each rung."""

from nas.forecast.halving import expected_at_rungs
from nas.forecast.measured_times import MeasuredTimes, comparable_times
from nas.forecast.search import Forecast, RungForecast, RunsForecast, TrialsForecast, forecast
from nas.forecast.stored import forecast_public, stored_forecast

__all__ = [
    "Forecast",
    "MeasuredTimes",
    "RungForecast",
    "RunsForecast",
    "TrialsForecast",
    "comparable_times",
    "expected_at_rungs",
    "forecast",
    "forecast_public",
    "stored_forecast",
]
