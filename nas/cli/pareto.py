"""The command `segnas pareto`, and the export of a Pareto set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.cli.mistakes import CommandError
from nas.cli.service import Json, SearchId, connect, resolve

if TYPE_CHECKING:
    from rich.text import Text

    from nas.client import Client
    from nas.schemas.pareto import ParetoPointPublic


def pareto(search: SearchId, as_json: Json = False) -> None:
    """List the Pareto set of a search with several objectives."""
    from nas.cli.layout import Column, cell, print_table
    from nas.cli.output import Architectures, print_json

    with connect() as client:
        found = client.pareto(resolve(client, search))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    names = [objective.text for objective in found.objectives]
    texts = Architectures((point.trial.text, point.trial.short_text) for point in found.items)
    columns = (
        Column("Trial"),
        *(Column(f"{one.text} ({one.direction})") for one in found.objectives),
        Column("Architecture", wraps=True),
    )
    rows: Iterable[tuple[str | Text, ...]] = (
        (f"#{point.trial.number}", *_values(names, point), cell(text))
        for point, text in zip(found.items, texts, strict=True)
    )
    print_table(columns, rows, texts.notes)


def _values(names: Sequence[str], point: ParetoPointPublic) -> Iterator[str]:
    from nas.formatting import objective_value

    return map(objective_value, names, point.values)


def export_pareto(client: Client, search_id: str, folder: Path) -> list[Path]:
    """Write the document of each trial of a search's Pareto set, as `trial_NUMBER.json`, into a folder.

    Returns:
        The files.

    Raises:
        CommandError: Something else has the name of the folder.
        ValueError: The set is empty.
    """
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder} is no folder: the set has several architectures, each in a file of its own")
    found = client.pareto(search_id)
    if not found.items:
        raise ValueError(f"the Pareto set of search {search_id} is empty: no trial is measured yet")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for point in found.items:
        document = client.trial(search_id, point.trial.number).document
        path = folder / f"trial_{point.trial.number}.json"
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written
