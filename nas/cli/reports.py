"""Commands that show searches to others: one beside another, and one as a file to send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.mistakes import CommandError
from nas.cli.service import Json, SearchId, complete_search, connect, resolve

if TYPE_CHECKING:
    from nas.schemas.comparisons import ComparedPublic, ComparisonPublic, WinnerPublic

SearchIds = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...",
        help="Searches, each by its id, its first characters, or `latest`.",
        autocompletion=complete_search,
    ),
]


def compare(searches: SearchIds, as_json: Json = False) -> None:
    """Compare 2 to 8 searches: best scores and their cost, and the settings that differ."""
    from nas.cli.output import print_json

    with connect() as client:
        found = client.compare([resolve(client, search) for search in searches])
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_comparison(found)


def report(
    search: SearchId,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.html", help="Default: ID.html in this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a search's report: one HTML file to send, which needs neither the service nor a network."""
    from nas.atomic import write_text_atomically
    from nas.cli.output import print_result

    if output is not None and output.suffix not in (".html", ".htm"):
        raise CommandError(f"{output} would hold HTML: let its name end in .html")
    with connect() as client:
        search_id = resolve(client, search)
        text = client.report(search_id)
    path = Path(f"{search_id}.html") if output is None else output
    write_text_atomically(path, text)
    print_result(f"wrote {path}", {"wrote": [str(path)]}, as_json)


def print_comparison(found: ComparisonPublic) -> None:
    """Print the searches under letters, their best trials, how comparable these are, and the settings that differ.

    What the best is by stands where a search has another objective than the mIoU.
    """
    from nas.cli.layout import Column, cell, print_table, print_wrapped
    from nas.cli.output import Architectures

    letters = [chr(ord("A") + index) for index in range(len(found.searches))]
    listed = list(zip(letters, found.searches, strict=True))
    columns = (Column(""), Column("ID"), Column("Name", wraps=True), Column("Status"), Column("Trials"), Column("Cost"))
    print_table(columns, ([cell(letter), *map(cell, _search(one))] for letter, one in listed))
    others = any(one.objective != "mIoU" for one in found.searches)
    by = (Column("By", wraps=True), Column("mIoU")) if others else ()
    winners = (
        Column(""),
        Column("Best"),
        *by,
        *map(Column, ("Trial", "Rung", "Parameters")),
        Column("Multiply-adds", drop=2),
        Column("Latency", drop=3),
        Column("Time", drop=1),
        Column("Architecture", wraps=True),
    )
    pairs = (("", "") if one.winner is None else (one.winner.text, one.winner.short_text) for one in found.searches)
    texts = Architectures(pairs)
    rows = [
        [cell(letter), *map(cell, (*_best(one, others), *_winner(one.winner), text))]
        for (letter, one), text in zip(listed, texts, strict=True)
    ]
    print()
    print_table(winners, rows, texts.notes)
    print()
    for note in found.notes:
        print_wrapped(note)
    print("\nSettings that differ:" if found.settings else "\nNo setting differs.")
    width = max((len(setting.path) for setting in found.settings), default=0)
    for setting in found.settings:
        print_wrapped(_grouped(letters, setting.values), f"{setting.path:<{width}}  ")


def _search(one: ComparedPublic) -> tuple[str, ...]:
    return (one.id, one.name, str(one.status), f"{one.trials} / {one.planned}", one.cost.duration)


def _best(one: ComparedPublic, others: bool) -> tuple[str, ...]:
    from nas.formatting import score

    value, miou = (None, None) if one.winner is None else (one.winner.value, one.winner.score)
    return (score(value), one.objective, score(miou)) if others else (score(value),)


def _winner(winner: WinnerPublic | None) -> tuple[str, ...]:
    from nas.formatting import duration, milliseconds, quantity

    if winner is None:
        return ("",) * 6
    return (
        "" if winner.trial is None else f"#{winner.trial}",
        "" if winner.rung is None else f"{winner.rung:,}",
        quantity(winner.parameters),
        quantity(winner.multiply_adds),
        "" if winner.latency is None else milliseconds(winner.latency.median_ms),
        duration(winner.device_seconds),
    )


def _grouped(letters: list[str], values: tuple[str | None, ...]) -> str:
    """Write each value once, behind the letters of the searches that have it."""
    from nas.comparison.settings import shown_value

    groups: dict[str | None, list[str]] = {}
    for letter, value in zip(letters, values, strict=True):
        groups.setdefault(value, []).append(letter)
    return "; ".join(f"{', '.join(group)}: {shown_value(value)}" for value, group in groups.items())
