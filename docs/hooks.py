"""Parts of the pages that are read off the code when the site is built: commands, settings.

A page asks for one by a line of its own, `<!-- commands -->` for instance.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from nas.cli.app import app
from nas.settings import Settings


def on_page_markdown(markdown: str, **_: Any) -> str:
    """MkDocs calls this with the text of each page before the text is made into HTML."""
    for marker, made in (("<!-- commands -->", commands), ("<!-- settings -->", settings)):
        if marker in markdown:
            markdown = markdown.replace(marker, made())
    return markdown


def commands() -> str:
    """Every command of `segnas` with its arguments and options."""
    root = typer.main.get_command(app)
    return "\n\n".join(_command(name, command) for name, command in _leaves("segnas", root))


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for below, child in command.commands.items():
        yield from _leaves(f"{name} {below}", child)


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([name, *((p.metavar or p.name).upper() for p in arguments), *(["[OPTIONS]"] if options else [])])
    rows = [f"| `{', '.join(p.opts)}` | {_cell(p.help)} | {_default(p.default)} |" for p in options]
    table = ["| option | | default |", "| --- | --- | --- |", *rows] if rows else []
    return "\n".join([f"## {name}", "", f"    {usage}", "", _paragraphs(command.help), "", *table])


def settings() -> str:
    """Every setting: its variable, what it is, its default."""
    rows = [_setting(name, field) for name, field in Settings.model_fields.items()]
    return "\n".join(["| variable | in `config.yaml` | | default |", "| --- | --- | --- | --- |", *rows])


def _setting(name: str, field: FieldInfo) -> str:
    return f"| `SEGNAS_{name.upper()}` | `{name}` | {_cell(field.description)} | {_default(field.default)} |"


def _default(value: Any) -> str:
    if value is None or value is False or value in ((), {}, []) or isinstance(value, SecretStr):
        return ""
    return "yes" if value is True else f"`{value}`"


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("|", "\\|").split())


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))
