"""Text of others made fit for the place where it is put: a terminal or log, a header.

Names, messages and logs come from users and from other programs. Control characters in them could move a terminal's
cursor or forge a line of a log, and marks of writing direction could turn a row round.
"""

from __future__ import annotations

import codecs
import logging
import re
from typing import Any, TextIO

_ESCAPED = codecs.getencoder("unicode_escape")
"""Found at once: Python reads a file for it, which a process that has too many files open cannot."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def one_line(text: str) -> str:
    r"""Write every character that cannot be seen as its escape (`\n`, `\x1b`, `\u202e`), so that one line remains."""
    return "".join(_visible(character) for character in text)


def several_lines(text: str) -> str:
    """Do what `one_line` does, but keep line breaks and tabs, and leave colours out.

    A carriage return, with which progress bars write over their line, begins a new line.
    """
    lines = plain(text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(character if character in "\n\t" else _visible(character) for character in lines)


def plain(text: str) -> str:
    """Leave out what sets colours in a terminal."""
    return _COLOURS.sub("", text)


def header_value(text: str, what: str) -> str:
    """Take the white space at both ends off a text that is to travel in an HTTP header, as a file's last newline.

    Args:
        text: What the header shall carry.
        what: The name of the text, with which the sentence of a refusal begins; the text itself may be a secret.

    Raises:
        ValueError: Nothing is left, or a character is not printable ASCII, which HTTP cannot carry.
    """
    stripped = text.strip()
    if not _HEADER_VALUE.fullmatch(stripped):
        reason = "is empty" if not stripped else "has a character that no HTTP header can carry"
        raise ValueError(f"{what} {reason}: use printable ASCII characters only")
    return stripped


class LineFormatter(logging.Formatter):
    """Formats log records so that a message is one line, whatever text of a user it holds."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  logging's name
        return several_lines(super().formatException(ei))


def line_handler(format: str, stream: TextIO | None = None) -> logging.Handler:
    """Make a handler that writes each record by a `LineFormatter`.

    Args:
        format: As `logging.Formatter` takes it.
        stream: Where the records go; None means standard error.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(format))
    return handler


def _visible(character: str) -> str:
    return character if character.isprintable() else _ESCAPED(character)[0].decode()
