"""The command `segnas dashboard`, which opens the Ray dashboard."""

from __future__ import annotations

import html
import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from nas.cli.service import Json, connect

_PAGE = """\
<!doctype html>
<meta charset="utf-8">
<title>Ray dashboard</title>
<form method="post" action="{service}/dashboard">
<input type="hidden" name="token" value="{token}">
<button>Open the Ray dashboard</button>
</form>
<script>document.forms[0].submit()</script>
"""


def dashboard(
    print_only: Annotated[bool, typer.Option("--print", help="Only print where it is; open no browser.")] = False,
    as_json: Json = False,
) -> None:
    """Open the Ray dashboard in a browser, signed in where Ray's token can be read here."""
    from nas.cli.output import print_result

    with connect() as client:
        url, service = client.server().ray_dashboard, client.url
    if url is None:
        raise ValueError("the service has no Ray cluster, or asks for its token before it says where: set SEGNAS_TOKEN")
    file = _token_file()
    lines = [url]
    if file is not None:
        lines.append(f"it asks for the token in {file}")
    page = None if print_only or as_json or file is None else _write_page(file, service)
    print_result("\n".join(lines), {"url": url, "token_file": None if file is None else str(file)}, as_json)
    if not print_only and not as_json and not webbrowser.open(url if page is None else page.as_uri()):
        print("no browser can be opened here: open the address above yourself")


def _token_file() -> Path | None:
    """The file with Ray's token: of the home folder's own Ray, else where Ray looks; None without one."""
    from nas.settings import read_settings

    places = [read_settings().folder / "ray" / "token"]
    if named := os.environ.get("RAY_AUTH_TOKEN_PATH"):
        places.append(Path(named))
    places.append(Path.home() / ".ray" / "auth_token")
    return next((place for place in places if os.access(place, os.R_OK) and place.is_file()), None)


def _write_page(token_file: Path, service: str) -> Path:
    """Write a page that brings the token to the service, readable by its owner only, as the token itself is."""
    from nas.atomic import write_secret_atomically
    from nas.settings import read_settings

    token = token_file.read_text("utf-8").strip()
    text = _PAGE.format(service=html.escape(service), token=html.escape(token))
    page = read_settings().folder / "ray" / "dashboard.html"
    page.parent.mkdir(parents=True, exist_ok=True)

    write_secret_atomically(page, text)
    return page
