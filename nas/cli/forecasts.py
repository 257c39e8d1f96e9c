"""Print the forecast of a search on the terminal, after a probe where one is requested."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nas.escaping import one_line

if TYPE_CHECKING:
    from nas.client import Client
    from nas.schemas.forecasts import ForecastPublic


def show_forecast(client: Client, spec: Mapping[str, Any], measure: bool) -> None:
    """Print a forecast on standard error, so that standard output holds only the spec.

    Without a service there is no forecast; that is reported and no failure, unless a probe is requested.

    Args:
        client: The service that forecasts.
        spec: The search's request.
        measure: Whether to run a probe first.

    Raises:
        ClientError: The service refused, the probe did not complete, or no service answers for the probe.
    """
    from nas.client import ClientError

    try:
        if measure:
            _probe(client, spec)
        forecast = client.forecast(spec)
    except ClientError as error:
        if error.status is not None or measure:
            raise
        print(f"no forecast: {one_line(str(error))}", file=sys.stderr)
        return
    for line in lines(forecast):
        print(one_line(line), file=sys.stderr)


def _probe(client: Client, spec: Mapping[str, Any]) -> None:
    from nas.client import ClientError

    probe = client.measure(spec)
    print(f"probe {probe.id} measures what steps cost, live at {client.url}/#/{probe.id}", file=sys.stderr, flush=True)
    try:
        ended = client.wait(probe.id)
    except KeyboardInterrupt:
        raise ClientError(f"interrupted; the probe continues: segnas stop {probe.id}") from None
    if ended.status != "completed":
        raise ClientError(f"the probe {probe.id} {ended.status}: {ended.message or 'see segnas logs ' + probe.id}")


def lines(forecast: ForecastPublic) -> Iterator[str]:
    """Lines of text that explain a forecast: trials by rung, runs, and the cost."""
    from nas.cli.output import forecast_line

    for part in forecast.parts:
        reached = ", ".join(f"{_about(rung.trials)} to iteration {rung.iteration}" for rung in part.rungs)
        yield f"{part.path}: {part.trials} trials: {reached}"
    if forecast.runs is not None:
        yield f"{forecast.runs.runs} runs of {forecast.runs.epochs} epochs"
    yield f"forecast: {forecast_line(forecast)}"


def _about(trials: float) -> str:
    return f"{trials:.1f}" if trials < 10 and trials != int(trials) else f"{trials:.0f}"
