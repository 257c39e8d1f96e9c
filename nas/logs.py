"""How programs of Segnas log: lines for people, or one JSON object a line with the ids of what the line is about."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Literal, TextIO

from nas.escaping import line_handler, plain

LogFormat = Literal["text", "json"]

Fields = Mapping[str, object]
"""What a line is about: `search`, `trial`, `request`, by name."""


_NAME = "segnas"
"""Of the handler, by which the next call finds it."""


def _nothing() -> Fields:
    return {}


_fields: ContextVar[Callable[[], Fields]] = ContextVar("fields", default=_nothing)


def log_with(fields: Callable[[], Fields]) -> None:
    """Give fields to every line that is logged in the present context from now on, beside those that it has.

    Args:
        fields: Called for each line.
    """
    before = _fields.get()
    _fields.set(lambda: {**before(), **fields()})


@contextlib.contextmanager
def logged_with(**fields: object) -> Iterator[None]:
    """Give fields to every line that is logged within the context, by this thread or task."""
    before = _fields.get()
    token = _fields.set(lambda: {**before(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


def configure(form: LogFormat, text: str, stream: TextIO, level: int = logging.INFO, **fields: object) -> None:
    """Send all log lines of this process to a stream; called again, the last call counts.

    As JSON, what is printed on standard output and standard error goes there too, each line as one of a logger:
    `stdout` at level INFO, `stderr` at level WARNING.

    Args:
        form: Lines for people or JSON objects.
        text: The format of lines for people, as `logging.Formatter` takes it.
        stream: Where the lines go.
        level: The least level that is logged.
        **fields: What every line of this process has, in JSON.
    """
    handler = line_handler(text, stream)
    if form == "json":
        handler.setFormatter(_json_formatter())
        handler.addFilter(_Fields(fields))
        sys.stdout = _Printed("stdout", logging.INFO, handler, sys.stdout)
        sys.stderr = _Printed("stderr", logging.WARNING, handler, sys.stderr)
        sys.excepthook = _log_uncaught
        logging.captureWarnings(True)
    root = logging.getLogger()
    for earlier in [known for known in root.handlers if known.name == _NAME]:
        root.removeHandler(earlier)
    if form == "json" or not root.handlers:  # who has set handlers up already (a test, a notebook) keeps them
        handler.name = _NAME
        root.addHandler(handler)
        root.setLevel(level)


def _json_formatter() -> logging.Formatter:
    from pythonjsonlogger.core import RESERVED_ATTRS
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
        timestamp="time",
        reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's, the message once more with colours
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("segnas").critical("the process ends by an error", exc_info=(kind, error, trace))


class _Fields(logging.Filter):
    """Gives a record the fields of its process and of its context, where the record does not have its own."""

    def __init__(self, of_process: Fields) -> None:
        super().__init__()
        self._of_process = of_process

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in {**self._of_process, **_fields.get()()}.items():
            record.__dict__.setdefault(name, value)
        return True


class _Printed(io.TextIOBase):
    """A standard stream whose lines become log lines: of prints, of tracebacks, of what Ray forwards from processes."""

    def __init__(self, name: str, level: int, handler: logging.Handler, instead_of: TextIO) -> None:
        self._name = name
        self._level = level
        self._handler = handler
        self._instead_of = instead_of
        self._here = threading.local()

    def write(self, text: str) -> int:
        if getattr(self._here, "logging", False):  # the handler itself complains
            return self._instead_of.write(text)
        *lines, self._here.rest = (getattr(self._here, "rest", "") + text).split("\n")
        self._here.logging = True
        try:
            for line in filter(str.strip, lines):
                self._handler.handle(logging.LogRecord(self._name, self._level, "", 0, plain(line), None, None))
        finally:
            self._here.logging = False
        return len(text)

    def flush(self) -> None:
        """Leave an unfinished line as it is: it is written when it ends."""

    def fileno(self) -> int:
        return self._instead_of.fileno()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there
        return "utf-8"
