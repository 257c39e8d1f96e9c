"""The errors of the store; each message is a sentence that says why."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used: it is unreachable or locked beyond the time limit; subclasses are its answers."""


class SchemaError(StoreError):
    """The tables are of another version of the software; waiting does not help, a migration or an update does."""


class NotFoundError(StoreError, LookupError):
    """There is no such search or trial."""


class ConflictError(StoreError):
    """The write contradicts the record: its key or number has other content there, or the row has another status."""


class StaleAttemptError(ConflictError):
    """The writer was replaced or its work is over: the row has a newer attempt or has ended. End the writer quietly."""


class SearchClosedError(StaleAttemptError):
    """The search is stopping, pausing, paused or over, so nothing new can start for it."""
