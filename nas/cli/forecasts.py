"""What a search would cost, on the terminal: from the service, after a probe if asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.client import Client
    from nas.schemas.forecasts import ForecastPublic


def show_forecast(client: Client, spec: Mapping[str, Any], measure: bool) -> None:
    """Print the forecast on standard error, so that standard output stays the spec.

    Without a service there is none, which is said and no failure, unless a probe was asked for. ClientError.
    """
    from nas.client import ClientError

    try:
        if measure:
            _probe(client, spec)
        found = client.forecast(spec)
    except ClientError as error:
        if error.status is not None or measure:
            raise
        print(f"no forecast: {error}", file=sys.stderr)
        return
    for line in lines(found):
        print(line, file=sys.stderr)


def _probe(client: Client, spec: Mapping[str, Any]) -> None:
    from nas.client import ClientError

    probe = client.measure(spec)
    print(f"probe {probe.id} measures what steps cost, live at {client.url}/#/{probe.id}", file=sys.stderr, flush=True)
    try:
        ended = client.wait(probe.id)
    except KeyboardInterrupt:
        raise ClientError(f"interrupted; the probe goes on: segnas stop {probe.id}") from None
    if ended.status != "completed":
        raise ClientError(f"the probe {probe.id} {ended.status}: {ended.message or 'see segnas logs ' + probe.id}")


def lines(forecast: ForecastPublic) -> Iterator[str]:
    """A forecast in words."""
    from nas.cli.output import in_short

    for part in forecast.parts:
        reached = ", ".join(f"{_about(rung.trials)} to iteration {rung.iteration}" for rung in part.rungs)
        yield f"{part.path}: {part.trials} trials: {reached}"
    if forecast.runs is not None:
        yield f"{forecast.runs.runs} runs of {forecast.runs.epochs} epochs"
    yield f"forecast: {in_short(forecast)}"


def _about(trials: float) -> str:
    return f"{trials:.1f}" if trials < 10 and trials != int(trials) else f"{trials:.0f}"
