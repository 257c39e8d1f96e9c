"""The commands `token create`, `token list`, `token limit` and `token revoke`."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.service import Json, connect
from nas.escaping import one_line

if TYPE_CHECKING:
    from nas.client import Client
    from nas.schemas.tokens import TokenPublic

app = typer.Typer(help="Who may do what: tokens of the service, for admins.", no_args_is_help=True)

Rate = Annotated[
    int | None,
    typer.Option("--requests-per-minute", min=1, help="Requests that are answered in a minute; default: any number."),
]
Hours = Annotated[
    float | None,
    typer.Option("--device-hours", min=0, help="What searches of this name may spend in all; default: any amount."),
]
Named = Annotated[str, typer.Argument(metavar="NAME|ID", help="The name of a token that is not revoked, or an id.")]


@app.command("create")
def create(
    *,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who will use it, the owner of what it starts: a-z, 0-9, . _ -")
    ],
    scope: Annotated[
        str,
        typer.Option(
            "--scope", metavar="SCOPE", help="read; submit: start searches, change its own; admin: everything."
        ),
    ],
    valid_days: Annotated[
        int | None, typer.Option("--valid-days", min=1, help="Days after which it expires; default: never.")
    ] = None,
    requests_per_minute: Rate = None,
    device_hours: Hours = None,
    as_json: Json = False,
) -> None:
    """Make a token, and print it: it is shown once."""
    from nas.cli.output import print_result
    from nas.specs.tokens import TokenRequest
    from search_spaces.validation import validate

    given = {
        "name": name,
        "scope": scope,
        "valid_days": valid_days,
        "requests_per_minute": requests_per_minute,
        "device_hours": device_hours,
    }
    request = validate(TokenRequest, {field: value for field, value in given.items() if value is not None})
    with connect() as client:
        made = client.tokens.create(request)
    print_result(made.token, made.model_dump(mode="json"), as_json)
    if not as_json:
        print(f"token {made.id} of {made.name}: it is not shown again. SEGNAS_TOKEN holds it.", file=sys.stderr)


@app.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List all tokens, newest first, without their secrets."""
    from nas.cli.layout import Column, cell, print_table
    from nas.cli.output import print_json

    with connect() as client:
        found = client.tokens.list()
    if as_json:
        print_json([token.model_dump(mode="json") for token in found])
        return
    if not found:
        print("there are no tokens beside the service's own: `segnas token create NAME` makes one", file=sys.stderr)
        return
    columns = (
        Column("ID"),
        Column("Name"),
        Column("Scope"),
        Column("Status"),
        Column("Expires", drop=2),
        Column("Last used", drop=3),
        Column("A minute", drop=4),
        Column("Device-hours", drop=1),
    )
    print_table(
        columns,
        (
            (
                token.id,
                cell(token.name),
                str(token.scope),
                str(token.status),
                _day(token.expires_at),
                _day(token.used_at),
                "" if token.requests_per_minute is None else str(token.requests_per_minute),
                _hours(token),
            )
            for token in found
        ),
    )


@app.command("limit")
def limit(token: Named, requests_per_minute: Rate = None, device_hours: Hours = None, as_json: Json = False) -> None:
    """Replace the limits of a token: one that is not given is lifted."""
    from nas.cli.output import print_result

    with connect() as client:
        found = client.tokens.limit(
            _resolve(client, token), requests_per_minute=requests_per_minute, device_hours=device_hours
        )
    rate = f"{found.requests_per_minute} requests a minute" if found.requests_per_minute else "any number of requests"
    hours = f"{found.device_hours:g} device-hours" if found.device_hours is not None else "any number of device-hours"
    line = f"{found.id} {found.name}: {rate}, {hours} ({found.spent_hours:.4g} spent)"
    print_result(line, found.model_dump(mode="json"), as_json)


@app.command("revoke")
def revoke(token: Named, as_json: Json = False) -> None:
    """Refuse a token from now on, for ever; its searches go on."""
    from nas.cli.output import print_result

    with connect() as client:
        found = client.tokens.revoke(_resolve(client, token))
    print_result(f"{found.id} {found.name} {found.status}", found.model_dump(mode="json"), as_json)


def _resolve(client: Client, text: str) -> str:
    """The id of a token that is named by its id, or by its name where it is not revoked."""
    from nas.client import ClientError
    from nas.schemas.tokens import TokenStatus

    found = client.tokens.list()
    named = (token.id for token in found if token.name == text and token.status is not TokenStatus.REVOKED)
    token_id = next((token.id for token in found if token.id == text), None) or next(named, None)
    if token_id is None:
        raise ClientError(f"there is no token {one_line(text)!r}; `segnas token list` shows them all")
    return token_id


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _hours(token: TokenPublic) -> str:
    of = "" if token.device_hours is None else f" of {token.device_hours:g}"
    return f"{token.spent_hours:.4g}{of}" if token.spent_hours or of else ""
