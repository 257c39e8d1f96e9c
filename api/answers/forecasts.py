"""What a search will cost: answered by a dry run, and stored beside a search that was started."""

from __future__ import annotations

import logging
from typing import Any

from nas.forecast import comparable_times, forecast
from nas.schemas.forecasts import ForecastPublic
from nas.specs import SearchSpec
from nas.store import Store, StoreError

log = logging.getLogger("segnas.api")


def forecast_public(spec: SearchSpec, store: Store) -> ForecastPublic:
    """The forecast from what the store has measured so far."""
    return ForecastPublic.model_validate(forecast(spec, comparable_times(spec, store)), from_attributes=True)


def stored_forecast(spec: SearchSpec, store: Store) -> dict[str, Any] | None:
    """The forecast as it is stored with a new search; None where it knows no cost. Never stops a search."""
    try:
        found = forecast_public(spec, store)
    except StoreError:
        log.warning("no forecast for the search %r", spec.name, exc_info=True)
        return None
    return None if found.device_seconds is None else found.model_dump(mode="json")
