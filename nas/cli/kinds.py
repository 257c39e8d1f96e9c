"""Commands about one kind of search: snapshots of a differentiable search, heads of a reference search."""

from __future__ import annotations

from typing import Annotated

import typer

from nas.cli.service import Json, SearchId, connect, resolve


def snapshots(
    search: SearchId,
    run: Annotated[int | None, typer.Option(min=0, help="Only this run (the search's seeds, from 0).")] = None,
    as_json: Json = False,
) -> None:
    """List the architectures that an auto_deeplab search decoded after each epoch."""
    from nas.cli.output import print_json, print_snapshots

    with connect() as client:
        found = client.snapshots(resolve(client, search), run)
    if as_json:
        print_json([snapshot.model_dump(mode="json") for snapshot in found])
    else:
        print_snapshots(found)


def heads(search: SearchId, as_json: Json = False) -> None:
    """Compare the heads of a reference search: size, mIoU over the seeds, difference to the bare trunk."""
    from nas.cli.output import print_heads, print_json

    with connect() as client:
        found = client.heads(resolve(client, search))
    if as_json:
        print_json([row.model_dump(mode="json") for row in found])
    else:
        print_heads(found)
