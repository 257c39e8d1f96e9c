"""Commands about searches: start, list, show and stop them, list their trials, read their logs."""

from __future__ import annotations

import shlex
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from nas.cli.mistakes import CommandError
from nas.cli.service import Json, Patience, SearchId, connect, resolve, restart_patience
from nas.escaping import several_lines
from nas.results.orders import TrialOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nas.schemas.trials import TrialPublic


_ORDERS = [order for order in get_args(TrialOrder) if not order.startswith("-")]


def submit(
    *,
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.yaml", help="The search, in YAML or JSON; - reads it from standard input.")
    ],
    watch: Annotated[bool, typer.Option("--watch", help="Follow the search to its end.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Start nothing: check the file, say what would run and what it would cost."),
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="With --dry-run: first run a small probe that measures what steps cost.")
    ] = False,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key again gives the same search.")] = None,
    warm_start: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Learn from this earlier search first (any number of times)."),
    ] = None,
    patience: Patience = None,
    as_json: Json = False,
) -> None:
    """Start a search."""
    from nas.cli.forecasts import run_probe, show_dry_run
    from nas.cli.specs import read_request
    from nas.cli.watching import show_started

    if measure and not dry_run:
        raise CommandError("--measure goes with --dry-run: a search that is started measures itself")
    request = read_request(spec)
    # A dry run goes without a service what it can, so it does not wait long for one.
    with connect(patience if dry_run else restart_patience(patience)) as client:
        if warm_start:
            # Checked by the service, which knows whether the kind of search has such a field.
            sources = [resolve(client, source) for source in warm_start]
            request["warm_start"] = [*request.get("warm_start", ()), *sources]
        if dry_run:
            if measure:
                run_probe(client, request)
            show_dry_run(request, lambda: client.dry_run(request), as_json, need=measure, measure=_measuring(spec))
            return
        search = client.create_search(request, key)
        show_started(client, search, "search", watch=watch, as_json=as_json, patience=patience)


def _measuring(spec: Path) -> str | None:
    """The command that measures what the search of a file costs; standard input cannot be read twice."""
    return None if str(spec) == "-" else f"segnas submit {shlex.quote(str(spec))} --dry-run --measure"


def searches(
    tag: Annotated[str | None, typer.Option(help="Only searches with this tag.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only searches that a token of this name started.")] = None,
    as_json: Json = False,
) -> None:
    """List the searches, newest first."""
    from nas.cli.output import print_json, print_searches

    with connect() as client:
        if as_json:
            print_json([search.model_dump(mode="json") for search in client.searches(tag=tag, owner=owner)])
        elif found := list(client.searches(tag=tag, owner=owner)):
            print_searches(found)
        else:
            like = "" if tag is None and owner is None else " like this"
            advice = "" if like else ": `segnas init` writes a first one to change, `segnas submit` starts it"
            print(f"there is no search{like}{advice}", file=sys.stderr)


def show(search: SearchId, as_json: Json = False) -> None:
    """Show where a search stands."""
    from nas.cli.output import print_json, print_search

    with connect() as client:
        found = client.search(resolve(client, search))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_search(found)


def trials(
    search: SearchId,
    top: Annotated[
        int | None, typer.Option(min=1, max=1_000_000_000, help="Only the N best, or the N first of --sort.")
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="[-]NAME", help=f"The order: {', '.join(_ORDERS)}; a leading - makes it descending."),
    ] = None,
    as_json: Json = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print comma-separated values, with a column for each rung.")
    ] = False,
) -> None:
    """List a search's trials: all by number, the best, or in another order."""
    from nas.cli.output import print_json, print_trials
    from nas.client.tables import trial_table, write_csv

    if as_json and as_csv:
        raise CommandError("--json and --csv are two formats: give one of them")
    order = _order(sort or ("number" if top is None else "-score"))
    with connect() as client:
        found = client.trials(resolve(client, search), order, scores=as_csv)
        chosen: Iterator[TrialPublic] = islice(found, top)
        if sort is None and top is not None:
            chosen = (trial for trial in chosen if trial.standing is not None)
        if as_json:
            print_json([trial.model_dump(mode="json") for trial in chosen])
        elif as_csv:
            write_csv(trial_table(chosen), sys.stdout)
        else:
            print_trials(chosen)


def _order(name: str) -> TrialOrder:
    """Read the name of an order.

    Raises:
        CommandError: There is no such order.
    """
    found = next((order for order in get_args(TrialOrder) if order == name), None)
    if found is None:
        raise CommandError(f"--sort takes one of {', '.join(_ORDERS)}, or that with a leading -, not {name!r}")
    return cast("TrialOrder", found)


def stop(search: SearchId, as_json: Json = False) -> None:
    """Stop a search; everything measured stays."""
    from nas.cli.output import print_result

    with connect() as client:
        found = client.stop(resolve(client, search))
    print_result(f"{found.id} {found.status}", found.model_dump(mode="json"), as_json)


def logs(
    search: SearchId,
    tail: Annotated[int, typer.Option(min=1, max=100_000, help="Lines to print, from the end.")] = 200,
    as_json: Json = False,
) -> None:
    """Print what a search's driver and its trials printed."""
    from nas.cli.output import print_json

    with connect() as client:
        search_id = resolve(client, search)
        text = client.logs(search_id, tail)
    if as_json:
        print_json({"search": search_id, "log": text})
    else:
        print(several_lines(text), end="")
