"""Access control: by bearer tokens when one is configured; without one, only programs on this machine have access."""

from __future__ import annotations

import logging
import secrets
import time
from urllib.parse import urlsplit

from anyio import to_thread
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.callers import ANYBODY, Caller
from api.errors import ApiError, problem
from api.middleware.root_path import route_path
from api.rates import Rates
from api.validity import why_invalid
from nas.client import is_loopback
from nas.settings import Settings
from nas.store import Store, StoreError, TokenRecord

log = logging.getLogger("segnas.api")


def check_binding(settings: Settings) -> None:
    """Check that a service that other machines or other sites' pages can reach is protected by a token.

    Raises:
        ValueError: The address can be reached from other machines, or pages of other sites may use the service, and
            there is no token, or the token is too short.
    """
    if settings.token is None and not is_loopback(settings.host):
        raise ValueError(
            f"refusing to serve on {settings.host} without a token: set SEGNAS_TOKEN, or bind 127.0.0.1 (the default)"
        )
    if settings.token is None and settings.cors_origins:
        raise ValueError(
            f"refusing to let pages of {settings.cors_origins[0]} use a service without a token: set SEGNAS_TOKEN, or "
            "leave SEGNAS_CORS_ORIGINS out"
        )
    for name, token in (("SEGNAS_TOKEN", settings.token), ("SEGNAS_METRICS_TOKEN", settings.metrics_token)):
        if token is not None and len(token.get_secret_value()) < 16:
            raise ValueError(f"{name} is too short to protect anything: use at least 16 characters")


METRICS = "/metrics"

USED_SECONDS = 600.0
"""How much older than now the noted last use of a token must be for another note."""

_OPEN = {path for prefix in ("", "/v1") for path in (f"{prefix}/healthz", f"{prefix}/readyz")}


class TokenRequired:
    """ASGI middleware: says who asks, and answers 401 under /v1 to nobody in particular, before it reads the body.

    The service's own token is an admin's, and asks no database; the others are looked up with every request, so that a
    token is refused as soon as it is revoked. Health routes are open. /metrics is guarded like the routes under /v1,
    and may have a token of its own that opens nothing else.

    Args:
        app: The application.
        token: The service's own token.
        rates: Counts the requests of tokens with a limit.
        metrics_token: Of whoever reads /metrics; None where only the other tokens do.
    """

    def __init__(self, app: ASGIApp, token: SecretStr, rates: Rates, metrics_token: SecretStr | None = None) -> None:
        self.app = app
        self.token = token
        self.rates = rates
        self.metrics_token = metrics_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope) if scope["type"] == "http" else ""
        guarded = path.startswith("/v1") or path == METRICS
        if (not guarded and path not in _OPEN) or (path == METRICS and self._is_scraper(scope)):
            await self.app(scope, receive, send)
            return
        try:
            caller = scope.setdefault("state", {})["caller"] = await self._identify(scope)
            if path not in _OPEN:
                self._count(caller)
        except ApiError as refusal:
            if path not in _OPEN:
                await problem(refusal.status, str(refusal), headers=refusal.headers)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_scraper(self, scope: Scope) -> bool:
        secret = bearer(Headers(scope=scope))
        return self.metrics_token is not None and secret is not None and _same(secret, self.metrics_token)

    async def _identify(self, scope: Scope) -> Caller:
        secret = bearer(Headers(scope=scope))
        if secret is None:
            raise _unknown("a bearer token is needed: send the header Authorization: Bearer <token>")
        if _same(secret, self.token):
            return ANYBODY
        store: Store = scope["app"].state.store
        try:
            token = await to_thread.run_sync(store.find_token, secret)
        except StoreError as error:
            raise ApiError(503, "the store does not answer; try again in a moment", {"Retry-After": "5"}) from error
        if token is None:
            raise _unknown("this bearer token is not known here: a token of this service is needed")
        if (why := why_invalid(token, time.time())) is not None:
            raise _unknown(f"the token {token.name} {why}; ask whoever runs the service for another")
        if token.used_at is None or abs(time.time() - token.used_at) > USED_SECONDS:
            await to_thread.run_sync(_note_use, store, token)
        return Caller(token.scope, token)

    def _count(self, caller: Caller) -> None:
        token = caller.token
        if token is not None and (pause := self.rates.pause(token)) > 0:
            detail = f"the token {token.name} may send {token.requests_per_minute} requests a minute"
            raise ApiError(429, detail, {"Retry-After": str(pause)})


def bearer(headers: Headers) -> str | None:
    """Return the bearer token that a request carries; None without one."""
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" and credentials.strip() else None


def _same(secret: str, token: SecretStr) -> bool:
    """Compare in constant time."""
    return secrets.compare_digest(secret.encode(), token.get_secret_value().encode())


def _unknown(detail: str) -> ApiError:
    return ApiError(401, detail, {"WWW-Authenticate": "Bearer"})


def _note_use(store: Store, token: TokenRecord) -> None:
    try:
        store.token_used(token.id)
    except StoreError as error:  # an aid: it may fail
        log.warning("the use of the token %s was not noted: %s", token.name, error)


class LocalOnly:
    """ASGI middleware for a service without a token: refuses requests from the web pages of other sites.

    A browser lets any page send requests to 127.0.0.1. The Host header shows a name that was made to resolve to this
    machine (DNS rebinding), the Origin header shows the page of another site.
    """

    FROM_FILES = ("/dashboard",)
    """Paths that a page may use that was opened from a file: what it asks for, it must have a secret for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host, origin = headers.get("Host", ""), headers.get("Origin", "")
            if not is_loopback(_hostname(f"//{host}")):
                detail = f"this service answers on this machine only, not as {host!r}; set a token to serve others"
                await problem(421, detail)(scope, receive, send)
                return
            from_a_file = origin == "null" and route_path(scope) in self.FROM_FILES
            if origin and not from_a_file and not is_loopback(_hostname(origin)):
                await problem(403, f"pages of {origin!r} may not use this service")(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = ANYBODY
        await self.app(scope, receive, send)


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
