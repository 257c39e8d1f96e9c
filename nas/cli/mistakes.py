"""The error of a command line that is wrong: options that do not go together, or a value that is no such value."""

from __future__ import annotations


class CommandError(ValueError):
    """What was typed is wrong, which the message says in one sentence; the exit code is 2, as of an unknown option."""
