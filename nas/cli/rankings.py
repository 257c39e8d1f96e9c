"""Commands about how far a proxy can be trusted: full-scale evaluations, rankings, calibrations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from nas.cli.mistakes import CommandError
from nas.cli.packages import require_matplotlib
from nas.cli.service import Json, SearchId, connect, resolve

Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw the result.")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow the search to its end.")]
Key = Annotated[str | None, typer.Option(help="Idempotency key: the same key again starts no other search.")]


def full_scale(
    *,
    search: SearchId,
    fidelity: Annotated[
        Path,
        typer.Option(
            metavar="FILE.yaml",
            help="A fidelity in YAML, or an entire request with a fidelity; - reads standard input.",
        ),
    ],
    stratified: Annotated[int | None, typer.Option(min=1, help="How many, spread evenly over the scores (24).")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="How many of the best: a biased sample.")] = None,
    trials: Annotated[str | None, typer.Option(metavar="N,N,...", help="These trials.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds of each architecture.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the evaluation.")] = None,
    key: Key = None,
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """Measure architectures of a search again, at full scale."""
    from nas.cli.ranking_tables import print_ranking
    from nas.cli.specs import read_model, read_yaml
    from nas.cli.watching import show_started
    from nas.specs import FullScaleRequest

    data = read_yaml(fidelity)
    request = data if "fidelity" in data else {"fidelity": data}
    options = {"choose": chosen(stratified=stratified, top=top, trials=trials), "seeds": seeds, "name": name}
    request = {**request, **{field: value for field, value in options.items() if value is not None}}
    checked = read_model(FullScaleRequest, fidelity, request)
    with connect() as client:
        parent = resolve(client, search)
        child = client.full_scale(parent, checked, key)
        show_started(
            client,
            child,
            "full-scale evaluation",
            watch=watch,
            as_json=as_json,
            answer=lambda: print_ranking(client.ranking(parent, child.id)),
        )


def chosen(
    *, stratified: int | None = None, top: int | None = None, trials: str | None = None
) -> dict[str, Any] | None:
    """Make the choice of trials that one of three options says; None without one.

    Raises:
        CommandError: Two of them are given, or `trials` is no list of numbers.
    """
    choices: list[dict[str, Any]] = []
    if stratified is not None:
        choices.append({"how": "stratified", "count": stratified})
    if top is not None:
        choices.append({"how": "top", "count": top})
    if trials is not None:
        choices.append({"how": "explicit", "trials": _numbers(trials)})
    if len(choices) > 1:
        raise CommandError("take one of --stratified, --top and --trials")
    return choices[0] if choices else None


def _numbers(text: str) -> list[int]:
    try:
        return [int(part.strip().removeprefix("#")) for part in text.split(",")]
    except ValueError:
        raise CommandError(f"--trials takes numbers with commas between them, such as 1,2,3; not {text!r}") from None


def rank(
    search: SearchId,
    full_scale: Annotated[
        str | None, typer.Option(metavar="ID", help="One full-scale evaluation; by default all at the newest fidelity.")
    ] = None,
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Show how well a search's scores order its architectures by their full-scale scores."""
    from nas.cli.output import print_json
    from nas.cli.ranking_tables import print_ranking

    with connect() as client:
        child = None if full_scale is None else resolve(client, full_scale)
        found = client.ranking(resolve(client, search), child)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_ranking(found)
    if plot is not None:
        from nas.cli.plots import plot_ranking

        _draw(plot, lambda: plot_ranking(found, plot), as_json)


def calibrate(
    spec: Annotated[
        Path,
        typer.Argument(metavar="SPEC.yaml", help="The calibration, in YAML or JSON; - reads it from standard input."),
    ],
    watch: Watch = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Start nothing: check the file, say what would run and what it would cost."),
    ] = False,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Start a calibration: which proxy is the cheapest that orders architectures as full scale does."""
    from nas.cli.forecasts import show_dry_run
    from nas.cli.ranking_tables import print_calibration
    from nas.cli.specs import read_model
    from nas.cli.watching import show_started
    from nas.specs import CalibrationSpec

    checked = read_model(CalibrationSpec, spec)
    with connect() as client:
        if dry_run:
            show_dry_run(checked.model_dump(mode="json"), lambda: client.dry_run_calibration(checked), as_json)
            return
        started = client.create_calibration(checked, key)
        show_started(
            client,
            started,
            "calibration",
            watch=watch,
            as_json=as_json,
            answer=lambda: print_calibration(client.calibration(started.id)),
        )


def calibration(search: SearchId, as_json: Json = False, plot: Plot = None) -> None:
    """Show a calibration: rank correlation against cost, and the proxy to search with."""
    from nas.cli.output import print_json
    from nas.cli.ranking_tables import print_calibration

    with connect() as client:
        found = client.calibration(resolve(client, search))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_calibration(found)
    if plot is not None:
        from nas.cli.plots import plot_calibration

        _draw(plot, lambda: plot_calibration(found, plot), as_json)


def _draw(path: Path, draw: Callable[[], None], quiet: bool) -> None:
    """Draw a plot, and print where unless the output is JSON.

    Raises:
        ValueError: matplotlib is not installed, or the answer has nothing to draw.
    """
    require_matplotlib()
    draw()
    if not quiet:
        print(f"wrote {path}")
