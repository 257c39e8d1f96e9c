"""Tables as wide as the terminal: long texts wrap, and columns that can be done without are left out before that."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nas.escaping import one_line

WIDE = 200
"""Width in characters of a table that is written to a file or a pipe, unless the variable COLUMNS says another."""

NARROW = 120
"""Below this width of the terminal, architectures are shown by their short text."""

_LEAST = 28
"""Columns are left out rather than that a long text gets fewer characters a line."""

_GAP = 2


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: Its heading.
        wraps: Whether its texts may be broken into lines.
        drop: Columns of a greater number are left out earlier where the width does not suffice; those of 0 stay. A
            column that may be left out is left out too when all its cells are empty.
    """

    head: str
    wraps: bool = False
    drop: int = 0


def console(stderr: bool = False) -> Console:
    """A console as wide as the terminal; `WIDE` characters, or what COLUMNS says, where the output is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    width = _columns()
    if width is None and not stream.isatty():
        width = WIDE
    elif width is None and "COLUMNS" in os.environ:  # rich would believe it
        width = os.get_terminal_size(stream.fileno()).columns or 80
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def _columns() -> int | None:
    """What COLUMNS says; None where it says no width, such as 0, which some programs set where they know none."""
    text = os.environ.get("COLUMNS", "")
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,5}", text) else None


def cell(text: str) -> Text:
    """The cell of a table with a text of others: on one line, and without a meaning for the terminal."""
    return Text(one_line(text))


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]], notes: Iterable[str] = ()) -> None:
    """Print a table without lines, and sentences below it.

    Args:
        columns: The columns.
        rows: A text for each column; a `Text` keeps its style.
        notes: Sentences about the table, such as what abbreviations mean.
    """
    terminal = console()
    cells = [[text if isinstance(text, Text) else Text(text) for text in row] for row in rows]
    shown = _fitting(columns, cells, terminal.width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index in shown:
        table.add_column(columns[index].head, no_wrap=not columns[index].wraps, overflow="fold")
    for row in cells:
        table.add_row(*(row[index] for index in shown))
    terminal.print(table)
    out = [column.head for index, column in enumerate(columns) if index not in shown and _filled(cells, index)]
    left_out = [f"not shown at this width: {', '.join(out)}; --json has them"] if out else []
    for note in (*notes, *left_out):
        print_wrapped(note)


def print_fields(fields: Iterable[tuple[str, str | None]]) -> None:
    """Print lines of a name and a text, the names below each other; fields whose text is None are left out."""
    present = [(name, text) for name, text in fields if text is not None]
    width = max((len(name) for name, _ in present), default=0)
    for name, text in present:
        print_wrapped(text, f"{name:>{width}}  ")


def print_wrapped(text: str, before: str = "") -> None:
    """Print a text of others on a line, which is broken at spaces where the terminal ends; `before` begins it."""
    line = one_line(text)
    stream = sys.stdout
    if not stream.isatty() and _columns() is None:
        print(before + line)
        return
    width = max(20, console().width)
    lines = textwrap.wrap(
        line, width, initial_indent=before, subsequent_indent=" " * len(before), break_on_hyphens=False
    )
    print("\n".join(lines) or before.rstrip())


def is_narrow() -> bool:
    """Whether architectures should be shown by their short text."""
    return console().width < NARROW


def _fitting(columns: Sequence[Column], cells: Sequence[Sequence[Text]], width: int) -> list[int]:
    """Indices of the columns that fit."""
    shown = [index for index, column in enumerate(columns) if not column.drop or not cells or _filled(cells, index)]
    needed = {index: _needed(columns[index], (row[index] for row in cells)) for index in shown}
    for index in sorted(shown, key=lambda index: -columns[index].drop):
        if not columns[index].drop or sum(needed[one] for one in shown) + _GAP * (len(shown) - 1) <= width:
            break
        shown.remove(index)
    return shown


def _needed(column: Column, texts: Iterator[Text]) -> int:
    longest = max((cell_len(line) for text in texts for line in text.plain.split("\n")), default=0)
    return max(cell_len(column.head), min(longest, _LEAST) if column.wraps else longest)


def _filled(cells: Sequence[Sequence[Text]], index: int) -> bool:
    return any(row[index].plain for row in cells)
