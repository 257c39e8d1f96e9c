"""Access control: by bearer token when one is configured; without one, only programs on this machine have access."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem
from nas.client import is_loopback
from nas.settings import Settings


def check_binding(settings: Settings) -> None:
    """Check that a service that other machines can reach is protected by a token.

    Raises:
        ValueError: The address can be reached from other machines and there is no token, or the token is too short.
    """
    if settings.token is None and not is_loopback(settings.host):
        raise ValueError(
            f"refusing to serve on {settings.host} without a token: set SEGNAS_TOKEN, or bind 127.0.0.1 (the default)"
        )
    for name, token in (("SEGNAS_TOKEN", settings.token), ("SEGNAS_METRICS_TOKEN", settings.metrics_token)):
        if token is not None and len(token.get_secret_value()) < 16:
            raise ValueError(f"{name} is too short to protect anything: use at least 16 characters")


def has_token(headers: Headers, token: SecretStr) -> bool:
    """Whether a request carries the bearer token, compared in constant time."""
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    same = secrets.compare_digest(credentials.strip().encode(), token.get_secret_value().encode())
    return same and scheme.lower() == "bearer"


class TokenRequired:
    """ASGI middleware: answers 401 under /v1 without the token, before it reads the body. Health routes are open.

    /metrics is guarded likewise, and may have a token of its own.
    """

    OPEN = ("/v1/healthz", "/v1/readyz")
    METRICS = "/metrics"

    def __init__(self, app: ASGIApp, token: SecretStr, metrics_token: SecretStr | None = None) -> None:
        self.app = app
        self.token = token
        self.metrics_token = metrics_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        guarded = (path.startswith("/v1") and path not in self.OPEN) or path == self.METRICS
        tokens = [self.token, self.metrics_token] if path == self.METRICS else [self.token]
        if guarded and not any(has_token(Headers(scope=scope), token) for token in tokens if token is not None):
            detail = "a bearer token is needed: send the header Authorization: Bearer <token>"
            await problem(401, detail, headers={"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        await self.app(scope, receive, send)


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
            from_a_file = origin == "null" and scope["path"] in self.FROM_FILES
            if origin and not from_a_file and not is_loopback(_hostname(origin)):
                await problem(403, f"pages of {origin!r} may not use this service")(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
