"""Makes the answers about tokens."""

from __future__ import annotations

import time

from api.answers.base import answer
from api.callers import Caller, Need
from api.validity import why_invalid
from nas.schemas.tokens import AccessPublic, Changes, NewTokenPublic, TokenPublic, TokenStatus
from nas.specs.tokens import Scope
from nas.store import Budget, TokenRecord

HOUR = 3600.0


def token_public(token: TokenRecord, spent: float) -> TokenPublic:
    """Make the answer of a token.

    Args:
        token: The token.
        spent: The device-seconds that searches of its name have spent.
    """
    return answer(TokenPublic, token, status=_status(token), spent_hours=spent / HOUR)


def new_token_public(token: TokenRecord, spent: float, secret: str) -> NewTokenPublic:
    """Make the answer of a token that was just made, with its secret."""
    return answer(NewTokenPublic, token, status=_status(token), spent_hours=spent / HOUR, token=secret)


def access_public(caller: Caller, budget: Budget | None) -> AccessPublic:
    """Make the answer about what a caller may do.

    Args:
        caller: Who asks.
        budget: What the caller's searches may spend; None without a limit.
    """
    everything = caller.scope is Scope.ADMIN
    own = Changes.OWN if caller.refusal(Need.OWN) is None else Changes.NONE
    token = caller.token
    return AccessPublic(
        name=caller.owner,
        scope=caller.scope,
        may_start=caller.refusal(Need.SUBMIT) is None,
        may_change=Changes.ALL if everything else own,
        expires_at=None if token is None else token.expires_at,
        requests_per_minute=None if token is None else token.requests_per_minute,
        device_hours=None if budget is None else budget.hours,
        spent_hours=None if budget is None else budget.spent,
    )


def _status(token: TokenRecord) -> TokenStatus:
    if token.revoked_at is not None:
        return TokenStatus.REVOKED
    return TokenStatus.EXPIRED if why_invalid(token, time.time()) else TokenStatus.VALID
