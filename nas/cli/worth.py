"""The command that asks whether a search is worth it, before it is started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.service import Json, connect

if TYPE_CHECKING:
    from nas.schemas.worth import WorthPublic


def worth(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.yaml", help="The search, in YAML or JSON; - reads it from standard input.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Start nothing: say what would be measured and what it would cost.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Is a search worth it? Measure 24 heads at its first rung, and say what it is expected to gain."""
    from nas.cli.forecasts import show_dry_run
    from nas.cli.output import print_json
    from nas.cli.specs import read_request
    from nas.cli.watching import show_progress
    from nas.worth import worth_of, worth_probe

    request = read_request(spec)
    with connect() as client:
        search = client.dry_run(request).spec
        probe = worth_probe(search)
        if dry_run:
            show_dry_run(probe.model_dump(mode="json"), lambda: client.dry_run(probe), as_json, need=True)
            return
        found = client.ask_worth(request)
        if not as_json:
            print(f"search {found.id} measures {len(probe.heads)} heads, live at {client.page_of(found)}", flush=True)
        ended = show_progress(client, found.id, aside=as_json)
        if ended is None:
            raise typer.Exit(130)
        if ended.status != "completed":
            why = f": {ended.message}" if ended.message else ""
            raise ValueError(f"{ended.id} is {ended.status}{why}; ask again to go on with it")
        answer = worth_of(search, found.id, client.heads(found.id))
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        print_worth(answer)


def print_worth(found: WorthPublic) -> None:
    """Print the answer and the figures behind it."""
    from nas.cli.layout import print_fields, print_wrapped
    from nas.panels.worth import worth_figures

    print_wrapped(found.sentence)
    print_fields(list(worth_figures(found)))
