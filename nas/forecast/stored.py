"""The forecast of a new search, as its row keeps it."""

from __future__ import annotations

import logging
from typing import Any

from nas.forecast.measured_times import comparable_times
from nas.forecast.search import forecast
from nas.schemas.forecasts import ForecastPublic
from nas.specs import SearchSpec
from nas.store import Store, StoreError

log = logging.getLogger("segnas.forecast")


def forecast_public(spec: SearchSpec, store: Store) -> ForecastPublic:
    """Forecast the cost of a search from the measured times in the store."""
    return ForecastPublic.model_validate(forecast(spec, comparable_times(spec, store)), from_attributes=True)


def stored_forecast(spec: SearchSpec, store: Store) -> dict[str, Any] | None:
    """Forecast the cost of a new search as JSON; None where it is unknown or the store fails, which stops no search."""
    try:
        found = forecast_public(spec, store)
    except StoreError:
        log.warning("no forecast for the search %r", spec.name, exc_info=True)
        return None
    return None if found.device_seconds is None else found.model_dump(mode="json")
