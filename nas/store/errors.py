"""What the store refuses, each with a sentence that says why."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used: unreachable, busy beyond the time limit, or of another schema."""


class NotFoundError(StoreError, LookupError):
    """No such search or trial."""


class ConflictError(StoreError):
    """The write contradicts what is recorded: the same key or number with other content, or another status."""


class StaleAttemptError(ConflictError):
    """The writer was replaced: the row has a newer attempt, or its work is over. The writer should end quietly."""


class SearchClosedError(StaleAttemptError):
    """The search is stopping or over: nothing new is started for it."""
