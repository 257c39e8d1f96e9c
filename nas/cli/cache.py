"""The commands `cache ls`, `cache verify` and `cache prune`: what preparations have left on this machine."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from nas.cli.mistakes import CommandError
from nas.cli.service import Json

app = typer.Typer(help="List, verify and prune the cached backbones and features.", no_args_is_help=True)

Folder = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Another cache than the one in the home folder.")
]

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@app.command("ls")
def list_entries(cache: Folder = None, as_json: Json = False) -> None:
    """List the entries of the cache: what they are, their size, and when they were last used."""
    from nas.cache.inventory import entries
    from nas.cli.layout import Column, cell, print_table
    from nas.cli.output import print_json
    from nas.formatting import duration

    folder, now = _folder(cache), time.time()
    found = entries(folder)
    if as_json:
        print_json([_plain(entry) for entry in found])
        return
    columns = (
        Column("Entry"),
        Column("Kind"),
        Column("Size"),
        Column("Used", drop=1),
        Column("State", drop=2),
        Column("What", wraps=True),
    )
    used = {entry.path: f"{duration(max(0.0, now - entry.used))} ago" for entry in found}
    rows = [
        (cell(entry.name), entry.kind, size_text(entry.size), used[entry.path], entry.state, cell(entry.about))
        for entry in found
    ]
    print_table(columns, rows)
    print(f"{size_text(sum(entry.size for entry in found))} in {folder}")


@app.command("verify")
def verify_entries(cache: Folder = None, as_json: Json = False) -> None:
    """Read every entry and compare it with its checksum; a broken one is renamed, and made anew when it is needed."""
    from nas.cache.inventory import verify
    from nas.cli.output import print_json

    checked, broken, size = 0, [], 0
    for entry, wrong in verify(_folder(cache)):
        checked += 1
        size += entry.size
        if wrong is not None:
            broken.append({**_plain(entry), "problem": wrong})
            if not as_json:
                print(f"{entry.name} ({entry.kind}) is broken: {wrong}")
    if as_json:
        print_json({"entries": checked, "size": size, "broken": broken})
    else:
        from nas.formatting import counted

        print(f"{counted(checked, 'entry', 'entries')} with {size_text(size)} read, {len(broken)} broken")
    if broken:
        raise typer.Exit(1)


@app.command("prune")
def prune_entries(
    cache: Folder = None,
    unused_for: Annotated[
        float, typer.Option("--unused-for", metavar="DAYS", min=0, help="Remove what nobody has used for so long.")
    ] = 30.0,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="SIZE", help="Then keep what was used last, up to this size, such as 20GB."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: Json = False,
) -> None:
    """Remove entries that are long unused, broken or left over; never what a running process uses."""
    from nas.cache.prune import prune
    from nas.cli.output import print_json

    limit = None if size is None else _bytes(size)
    removed, entries = 0, []
    for entry in prune(_folder(cache), unused_for * 86400, limit, dry_run=dry_run):
        removed += entry.size
        entries.append(_plain(entry))
        state = f" ({entry.state})" if entry.state else ""
        if not as_json:
            print(f"{entry.name}  {size_text(entry.size)}  {entry.about or entry.kind}{state}")
    if as_json:
        print_json({"removed": not dry_run, "size": removed, "entries": entries})
        return
    print(f"{size_text(removed)} {'would be' if dry_run else 'are'} freed")


def size_text(size: int) -> str:
    """Write bytes in a unit that suits: "0 B", "17.4 MB", "2.1 GB"."""
    if size < 1000:
        return f"{size} B"
    unit = next((name for name, limit in (("kB", 10**6), ("MB", 10**9), ("GB", 10**12)) if size < limit), "TB")
    return f"{size / UNITS[unit[0].lower()]:.1f} {unit}"


def _folder(cache: Path | None) -> Path:
    from nas.settings import read_settings

    if cache is None:
        folder = read_settings().cache
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is no folder, so nothing can be cached there: remove it")
        return folder
    if not cache.is_dir():
        raise CommandError(f"--cache {cache} is no folder")
    return cache.resolve()


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMGT]?)B?", text, re.IGNORECASE)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no size, such as 500MB, 20GB or 0", param_hint="--size")
    return int(float(match[1]) * UNITS[match[2].lower()])


def _plain(entry: Any) -> dict[str, Any]:
    fields = ("kind", "size", "used", "about", "state")
    return {"path": str(entry.path), **{name: getattr(entry, name) for name in fields}}
