"""Commands for a search that exists: pause, resume, extend, edit and delete it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.mistakes import CommandError
from nas.cli.service import Json, SearchId, connect, resolve
from nas.escaping import one_line
from nas.formatting import counted

if TYPE_CHECKING:
    from nas.client import Client
    from nas.schemas.searches import SearchPublic

Watch = Annotated[bool, typer.Option("--watch", help="Follow the search to its end.")]


def pause(search: SearchId, as_json: Json = False) -> None:
    """Pause a search; everything measured stays, and nothing starts until it is resumed."""
    with connect() as client:
        _show(client, client.pause(resolve(client, search)), watch=False, as_json=as_json)


def resume(
    search: SearchId,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also try its failed trials and runs again.")
    ] = False,
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """Go on with a search that was stopped, has failed or is paused."""
    with connect() as client:
        _show(client, client.resume(resolve(client, search), retry_failed), watch, as_json)


def extend(
    search: SearchId,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials of a black-box search, in all.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds of a search of another kind, in all.")] = None,
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """Give a search that is over or paused more trials or seeds, and go on with it."""
    if trials is None and seeds is None:
        raise CommandError("say what the search shall have more of: --trials N or --seeds N, the new number in all")
    with connect() as client:
        _show(client, client.extend(resolve(client, search), trials, seeds), watch, as_json)


def edit(
    *,
    search: SearchId,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    notes: Annotated[str | None, typer.Option(help="Remarks, which replace those there are; empty: none.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Add this tag (any number of times).")] = None,
    untag: Annotated[list[str] | None, typer.Option(help="Remove this tag (any number of times).")] = None,
    as_json: Json = False,
) -> None:
    """Change the name, the notes and the tags of a search."""
    from nas.cli.output import print_result

    with connect() as client:
        search_id = resolve(client, search)
        tags = None
        if tag or untag:
            kept = [mark for mark in client.search(search_id).tags if mark not in (untag or ())]
            tags = [*kept, *(mark for mark in tag or () if mark not in kept)]
        if name is None and notes is None and tags is None:
            raise CommandError("say what shall change: --name, --notes, --tag or --untag")
        found = client.edit(search_id, name, notes, tags)
    line = f"{found.id} {found.name}" + (f" [{', '.join(found.tags)}]" if found.tags else "")
    print_result(one_line(line), found.model_dump(mode="json"), as_json)


def delete(
    search: SearchId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a search that is over or paused, with all that it has measured."""
    from nas.cli.output import print_result

    with connect() as client:
        found = client.search(resolve(client, search))
        if not yes:
            measured = counted(sum(found.trials.values()), "trial")
            question = f"Delete {found.id} ({one_line(found.name)}, {found.status}) with its {measured} for good?"
            typer.confirm(question, abort=True, err=as_json)
        client.delete(found.id)
    print_result(f"{found.id} deleted", {"deleted": found.id}, as_json)


def _show(client: Client, search: SearchPublic, watch: bool, as_json: bool) -> None:
    from nas.cli.output import print_result
    from nas.cli.watching import follow

    if watch:
        raise typer.Exit(follow(client, search.id, as_json))
    print_result(f"{search.id} {search.status}", search.model_dump(mode="json"), as_json)
