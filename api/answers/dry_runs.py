"""The answer to a dry run: what a search would do and cost, in words that the command line and the page show."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from api.answers.forecasts import forecast_public
from nas.formatting import duration
from nas.kinds.registry import kind_of
from nas.schemas.dry_runs import DryRunPublic, FactPublic
from nas.schemas.forecasts import ForecastPublic, TrialsForecastPublic
from nas.specs import Fidelity, SearchSpec
from nas.store import Store
from nas.yaml_text import dump_yaml
from search_spaces.validation import FieldProblem


def dry_run_public(
    spec: SearchSpec, request: BaseModel, warnings: tuple[FieldProblem, ...], store: Store
) -> DryRunPublic:
    """Make the answer to a dry run.

    Args:
        spec: The search, with its names resolved.
        request: The request that it was made of.
        warnings: What is odd about it.
        store: Has the times of earlier searches.
    """
    forecast = forecast_public(spec, store)
    given = request.model_dump(mode="json", exclude_unset=True)
    return DryRunPublic(
        **dict(forecast),
        facts=tuple(FactPublic(name=name, text=text) for name, text in facts(spec, forecast)),
        warnings=warnings,
        spec=spec,
        yaml=dump_yaml(given),
    )


def facts(spec: SearchSpec, forecast: ForecastPublic) -> Iterator[tuple[str, str]]:
    """Say in words what a search would do and cost, as names and texts.

    Args:
        spec: The search.
        forecast: Its forecast.
    """
    kind, concurrent = kind_of(spec), spec.resources.concurrent
    yield "search", f"{spec.name}: {kind.method(spec)} on {kind.dataset(spec)}"
    yield "trials", f"{forecast.trials}, {concurrent} at a time"
    if forecast.runs is not None:
        yield "runs", f"{forecast.runs.runs} of {forecast.runs.epochs} epochs"
    for part in forecast.parts:
        yield part.path, f"{_fidelity(spec.fidelities[part.path])}; {_reached(part)}"
    yield "cost", cost(forecast)


def cost(forecast: ForecastPublic) -> str:
    """Write the expected cost and duration with their basis, or why they are not known."""
    if forecast.device_seconds is None:
        return f"not known: {forecast.reason}"
    total = f"{duration(forecast.device_seconds)} of device time, {duration(forecast.seconds)} from first to last"
    return f"{total} ({forecast.basis})"


def _fidelity(fidelity: Fidelity) -> str:
    backbone = fidelity.backbone
    trained = "" if backbone.frozen else ", trained"
    height, width = fidelity.crop
    return (
        f"{fidelity.dataset}, {backbone.name} at stride {backbone.output_stride}{trained}, crop {height}x{width}, "
        f"batch {fidelity.batch}"
    )


def _reached(part: TrialsForecastPublic) -> str:
    return ", ".join(f"{_about(rung.trials)} to iteration {rung.iteration}" for rung in part.rungs)


def _about(trials: float) -> str:
    return f"{trials:.1f}" if trials < 10 and trials != int(trials) else f"{trials:.0f}"
