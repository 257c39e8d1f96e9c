"""Tokens: make, list, limit and revoke them; what the token that is shown may do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Request, Response

from api.answers.tokens import access_public, new_token_public, token_public
from api.deps import CallerDep, SettingsDep, StoreDep
from api.errors import ApiError
from api.middleware.body import StrictJsonRoute
from api.openapi.problems import problems
from nas.schemas.tokens import AccessPublic, NewTokenPublic, TokenPublic
from nas.specs.tokens import LimitsRequest, TokenRequest
from nas.store import Store, TokenRecord

router = APIRouter(tags=["tokens"], route_class=StrictJsonRoute)

TokenId = Annotated[
    str, Path(pattern=r"^t[0-9a-f]{12}$", description="The id of the token, as `POST /v1/tokens` answered it.")
]


@router.get("/access")
def get_access(caller: CallerDep, store: StoreDep) -> AccessPublic:
    """Read what the token that is shown may do, when it expires, and what is left of its budget."""
    budget = None if caller.owner is None else store.budgets([caller.owner]).get(caller.owner)
    return access_public(caller, budget)


@router.post("/tokens", status_code=201, responses=problems(409))
def create_token(
    body: Annotated[TokenRequest, Body()], request: Request, response: Response, store: StoreDep, settings: SettingsDep
) -> NewTokenPublic:
    """Make a token. Its secret is in this answer and nowhere else: the service keeps a hash of it.

    Searches that are started with it have its `name` as their owner. A name whose token was revoked may be used again:
    then the searches and what they have spent are the new token's. A service without a token of its own asks nobody for
    one, and so makes none (409).
    """
    if settings.token is None:
        raise ApiError(
            409,
            "this service asks nobody for a token, so none would be of use: set SEGNAS_TOKEN, which is the admin's, "
            "and start it again",
        )
    token, secret = store.create_token(body)
    response.headers["Location"] = str(request.url_for("get_token", token_id=token.id).path)
    return new_token_public(token, _spent(store, token), secret)


@router.get("/tokens")
def list_tokens(store: StoreDep) -> list[TokenPublic]:
    """List all tokens, newest first: valid, expired and revoked ones, without their secrets."""
    found = store.tokens()
    spent = store.spent({token.name for token in found})
    return [token_public(token, spent[token.name]) for token in found]


@router.get("/tokens/{token_id}")
def get_token(token_id: TokenId, store: StoreDep) -> TokenPublic:
    """Read one token, without its secret."""
    return _public(store, store.get_token(token_id))


@router.patch("/tokens/{token_id}")
def limit_token(token_id: TokenId, body: Annotated[LimitsRequest, Body()], store: StoreDep) -> TokenPublic:
    """Replace the limits of a token by these; a limit that is left out is lifted.

    Searches that were paused since the budget was spent can be resumed when it is larger.
    """
    return _public(store, store.limit_token(token_id, body))


@router.delete("/tokens/{token_id}")
def revoke_token(token_id: TokenId, store: StoreDep) -> TokenPublic:
    """Revoke a token: it is refused from now on, for ever. Its searches go on; revoking it again changes nothing."""
    return _public(store, store.revoke_token(token_id))


def _public(store: Store, token: TokenRecord) -> TokenPublic:
    return token_public(token, _spent(store, token))


def _spent(store: Store, token: TokenRecord) -> float:
    return store.spent([token.name])[token.name]
