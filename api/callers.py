"""Who sends a request, what each operation takes, and who may do it: the one table of rights.

An operation that stands in no list here takes a read token where it only reads, and an admin's where it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from nas.specs.tokens import Scope
from nas.store import TokenRecord


class Need(StrEnum):
    """What an operation takes of whoever asks for it."""

    NOTHING = "nothing"
    READ = "read"
    SUBMIT = "submit"
    OWN = "own"
    """A token of the scope submit may do it to its own searches, one of the scope admin to all."""
    ADMIN = "admin"


_NEEDS: Mapping[str, Need] = {
    **dict.fromkeys(("alive", "ready"), Need.NOTHING),
    **dict.fromkeys(
        ("create_search", "create_calibration", "measure_at_full_scale", "confirm_search", "ask_search_worth"),
        Need.SUBMIT,
    ),
    **dict.fromkeys(
        ("stop_search", "pause_search", "resume_search", "extend_search", "edit_search", "delete_search"), Need.OWN
    ),
    **dict.fromkeys(("list_tokens", "get_token"), Need.ADMIN),
}

READING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""


def need(operation: str, method: str) -> Need:
    """Return what an operation takes.

    Args:
        operation: The name of the route's function, which is the operation's id in the OpenAPI document.
        method: The HTTP method.
    """
    return _NEEDS.get(operation, Need.READ if method.upper() in READING else Need.ADMIN)


@dataclass(frozen=True)
class Caller:
    """Who sends a request.

    Attributes:
        scope: What the sender may do.
        token: The token that was shown; None for the service's own token, and where the service asks nobody.
    """

    scope: Scope
    token: TokenRecord | None = None

    @property
    def owner(self) -> str | None:
        """Whose the searches are that this caller starts."""
        return None if self.token is None else self.token.name

    def may_change(self, owner: str | None) -> bool:
        """Whether the caller may change the searches of an owner."""
        return self.scope is Scope.ADMIN or (self.scope is Scope.SUBMIT and owner == self.owner)

    def refusal(self, needed: Need) -> str | None:
        """Say in a sentence why the caller may not do what takes this, whosesoever search it is; None if it may."""
        enough = {
            Need.NOTHING: tuple(Scope),
            Need.READ: tuple(Scope),
            Need.SUBMIT: (Scope.SUBMIT, Scope.ADMIN),
            Need.OWN: (Scope.SUBMIT, Scope.ADMIN),
            Need.ADMIN: (Scope.ADMIN,),
        }[needed]
        if self.scope in enough:
            return None
        return f"the token {self.owner} is of the scope {self.scope}; this takes one of the scope {enough[0]}"


ANYBODY = Caller(Scope.ADMIN)
"""Whoever shows the service's own token, or asks a service without one."""
