"""Commands that confirm what a search found: its best again with fresh seeds, beside heads of the textbooks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nas.cli.mistakes import CommandError
from nas.cli.rankings import Key, Watch, chosen
from nas.cli.service import Json, SearchId, connect, resolve


def confirm(
    *,
    search: SearchId,
    top: Annotated[int | None, typer.Option(min=1, help="How many of the best (3).")] = None,
    trials: Annotated[str | None, typer.Option(metavar="N,N,...", help="These trials.")] = None,
    references: Annotated[
        str | None,
        typer.Option(
            metavar="NAME:CHANNELS,...",
            help="Heads to compare with, such as aspp:20,published_dpc:48; by default the textbooks' at two widths.",
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=2, help="Fresh seeds of each (4).")] = None,
    learning_rates: Annotated[
        str | None,
        typer.Option(metavar="R,R,...", help="Train the heads at these learning rates, too; each counts at its best."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the confirmation.")] = None,
    key: Key = None,
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """Measure a search's best again with fresh seeds, beside heads of the textbooks."""
    from nas.cli.confirmation_table import print_confirmation
    from nas.cli.watching import show_started

    options = {
        "choose": chosen(top=top, trials=trials),
        "references": None if references is None else [_head(part) for part in references.split(",")],
        "seeds": seeds,
        "learning_rates": None if learning_rates is None else _rates(learning_rates),
        "name": name,
    }
    request = {field: value for field, value in options.items() if value is not None}
    with connect() as client:
        child = client.confirm(resolve(client, search), request, key)
        show_started(
            client,
            child,
            "confirmation",
            watch=watch,
            as_json=as_json,
            answer=lambda: print_confirmation(client.confirmation(child.id)),
        )


def confirmation(search: SearchId, as_json: Json = False) -> None:
    """Show what a confirmation has found, or the newest one of a search."""
    from nas.cli.confirmation_table import print_confirmation
    from nas.cli.output import print_json

    with connect() as client:
        found = client.confirmation(resolve(client, search))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_confirmation(found)


def _rates(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise CommandError(f"--learning-rates takes numbers, such as 0.008,0.032; not {text!r}") from None


def _head(text: str) -> dict[str, Any] | str:
    name, colon, channels = text.strip().partition(":")
    if not colon:
        return name
    if not channels.isdigit():
        raise CommandError(f"--references takes NAME or NAME:CHANNELS, such as aspp:20; not {text!r}")
    if name == "published_dpc":
        from search_spaces import PUBLISHED_CELL

        return {**PUBLISHED_CELL.model_dump(mode="json"), "channels": int(channels)}
    return {"kind": "reference_head", "name": name, "channels": int(channels)}
