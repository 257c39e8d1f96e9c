"""The answer to a dry run: what a search would do and cost, in words that the command line and the page show."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from api.answers.worth import known_worth
from nas.forecast import forecast_public
from nas.formatting import counted, duration, expected_cost
from nas.kinds.registry import kind_of
from nas.schemas.dry_runs import DryRunPublic, FactPublic
from nas.schemas.forecasts import ForecastPublic, TrialsForecastPublic
from nas.specs import BackboneSpec, Fidelity, SearchSpec
from nas.store import Store
from nas.yaml_text import dump_yaml
from search_spaces.validation import FieldProblem

ASK_WORTH = "/v1/searches?dry_run=true&worth=true"
"""Where the question whether a search is worth it is sent before the search is started, with its request."""


def dry_run_public(
    spec: SearchSpec, request: BaseModel, warnings: tuple[FieldProblem, ...], store: Store
) -> DryRunPublic:
    """Make the answer to a dry run.

    Args:
        spec: The search, with its names resolved.
        request: The request that it was made of.
        warnings: What is odd about it.
        store: Has the times of earlier searches, and what was asked of their worth.
    """
    forecast = forecast_public(spec, store)
    known = known_worth(spec, store, ASK_WORTH)
    whole = kind_of(spec).family(spec, store).whole_network
    found = [*facts(spec, forecast, whole), *([] if known is None else [("worth it?", known.text)])]
    return DryRunPublic(
        **dict(forecast),
        facts=tuple(FactPublic(name=name, text=text) for name, text in found),
        worth=None if known is None else known.worth,
        worth_panels=() if known is None else known.panels,
        warnings=warnings,
        spec=spec,
        yaml=_yaml(request),
    )


def _yaml(request: BaseModel) -> str:
    """The fields that were given, in an order for reading: what it is first, what it runs on last."""
    given = request.model_dump(mode="json", exclude_unset=True)
    first, last = ("kind", "name"), ("resources", "retries", "seed")
    between = [field for field in given if field not in (*first, *last)]
    return dump_yaml({field: given[field] for field in (*first, *between, *last) if field in given})


def facts(spec: SearchSpec, forecast: ForecastPublic, whole_network: bool = False) -> Iterator[tuple[str, str]]:
    """Say in words what a search would do and cost, as names and texts.

    Args:
        spec: The search.
        forecast: Its forecast.
        whole_network: Whether its architectures are entire networks, which use no backbone of a fidelity.
    """
    kind, concurrent = kind_of(spec), spec.resources.concurrent
    yield "search", f"{spec.name}: {kind.method(spec)} on {kind.dataset(spec)}"
    yield "trials", f"{forecast.trials}, {concurrent} at a time"
    if forecast.runs is not None:
        yield "runs", f"{forecast.runs.runs} of {counted(forecast.runs.epochs, 'epoch')}"
    for part in forecast.parts:
        yield part.path, f"{_fidelity(spec.fidelities[part.path], whole_network)}; {_reached(part)}"
    yield "cost", cost(forecast)
    after = kind.expected_follow_up(spec)
    if after is not None:
        yield "then", f"{after.text}; {_cost_after(forecast.follow_up)}"


def _cost_after(part: TrialsForecastPublic | None) -> str:
    if part is None or part.device_seconds is None:
        return "their cost is not known"
    return (
        f"{part.trials} trials to iteration {part.rungs[-1].iteration}, {duration(part.device_seconds)} of device time"
    )


def cost(forecast: ForecastPublic) -> str:
    """Write the expected cost and duration with their basis, or why they are not known."""
    if forecast.device_seconds is None:
        return f"not known: {forecast.reason}"
    return expected_cost(forecast.device_seconds, forecast.seconds, forecast.basis)


def _fidelity(fidelity: Fidelity, whole_network: bool) -> str:
    height, width = fidelity.crop
    trained = "entire networks" if whole_network else _backbone(fidelity.backbone)
    return f"{fidelity.dataset}, {trained}, crop {height}x{width}, batch {fidelity.batch}"


def _backbone(backbone: BackboneSpec) -> str:
    strides = f"{'stride' if len(backbone.strides) == 1 else 'strides'} {' and '.join(map(str, backbone.strides))}"
    return f"{backbone.name} at {strides}{'' if backbone.frozen else ', trained'}"


def _reached(part: TrialsForecastPublic) -> str:
    first, *others = part.rungs
    trials = "trial" if first.trials == 1 else "trials"
    reached = f"{_about(first.trials)} {trials} to iteration {first.iteration}"
    return ", ".join([reached, *(f"{_about(rung.trials)} to {rung.iteration}" for rung in others)])


def _about(trials: float) -> str:
    return f"{trials:.1f}" if trials < 10 and trials != int(trials) else f"{trials:.0f}"
