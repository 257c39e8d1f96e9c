"""Commands that confirm what a search found: its best again with fresh seeds, beside heads of the textbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.cli.rankings import Key, Watch, chosen
from nas.cli.service import Json, SearchId, connect, resolve

if TYPE_CHECKING:
    from rich.text import Text

    from nas.schemas.confirmations import ConfirmationPublic, ConfirmedPublic, GainPublic


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
    name: Annotated[str | None, typer.Option(help="Name of the confirmation.")] = None,
    key: Key = None,
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """Measure a search's best again with fresh seeds, beside heads of the textbooks."""
    from nas.cli.output import print_result
    from nas.cli.watching import follow

    options = {
        "choose": chosen(top=top, trials=trials),
        "references": None if references is None else [_head(part) for part in references.split(",")],
        "seeds": seeds,
        "name": name,
    }
    request = {field: value for field, value in options.items() if value is not None}
    with connect() as client:
        child = client.confirm(resolve(client, search), request, key)
        if not watch:
            print_result(child.id, child.model_dump(mode="json"), as_json)
            return
        if not as_json:
            print(f"confirmation {child.id}, live at {client.page_of(child)}", flush=True)
        code = follow(client, child.id, as_json)
        if code == 0 and not as_json:
            print_confirmation(client.confirmation(child.id))
        raise typer.Exit(code)


def confirmation(search: SearchId, as_json: Json = False) -> None:
    """Show what a confirmation has found, or the newest one of a search."""
    from nas.cli.output import print_json

    with connect() as client:
        found = client.confirmation(resolve(client, search))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_confirmation(found)


def print_confirmation(found: ConfirmationPublic) -> None:
    """Print the verdict, and a table of the confirmed architectures and the reference heads."""
    from nas.cli.layout import Column, print_table, print_wrapped
    from nas.cli.output import Architectures

    images = "kept back from the search" if found.kept_back else "that the search measured on, too"
    print_wrapped(found.sentence)
    print_wrapped(f"Scores are of validation images {images}.")
    columns = (
        Column("Trial"),
        Column("mIoU"),
        Column("Spread"),
        Column("Seeds", drop=1),
        Column("MAdds", drop=2),
        Column("Best minus it"),
        Column("Architecture", wraps=True),
    )
    gains = {gain.architecture_key: gain for gain in found.gains}
    texts = Architectures((row.text, row.short_text) for row in found.rows)
    rows = [
        _cells(row, found.winner, gains.get(row.architecture_key), text)
        for row, text in zip(found.rows, texts, strict=True)
    ]
    print_table(columns, rows, ["*: the best of those that the search found", *texts.notes])


def _cells(row: ConfirmedPublic, winner: str | None, gain: GainPublic | None, text: str) -> tuple[Text | str, ...]:
    from nas.cli.layout import cell
    from nas.formatting import score

    return (
        "" if row.trial is None else f"#{row.trial}{' *' if row.architecture_key == winner else ''}",
        score(row.mean),
        score(row.spread),
        str(len(row.scores)),
        "" if row.multiply_adds is None else f"{row.multiply_adds / 1e6:,.1f} M",
        "" if gain is None else f"{gain.mean:+.3f} ± {gain.error:.3f}",
        cell(text),
    )


def _head(text: str) -> dict[str, Any] | str:
    name, colon, channels = text.strip().partition(":")
    if not colon:
        return name
    if not channels.isdigit():
        raise ValueError(f"--references takes NAME or NAME:CHANNELS, such as aspp:20; not {text!r}")
    if name == "published_dpc":
        from search_spaces import PUBLISHED_CELL

        return {**PUBLISHED_CELL.model_dump(mode="json"), "channels": int(channels)}
    return {"kind": "reference_head", "name": name, "channels": int(channels)}
