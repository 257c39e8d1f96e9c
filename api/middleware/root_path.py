"""The path below which a proxy shows the service to the world."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


def route_path(scope: Scope) -> str:
    """Return the path of a request below the root path, as the routes name it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


class RootPath:
    """ASGI middleware: takes requests with the root path and without it, since some proxies leave it out.

    Behind it, `path` begins with `root_path`, as ASGI has it.

    Args:
        app: The application.
        root_path: Such as `/segnas`.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self.app = app
        self.root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root, path = self.root_path, scope["path"]
            below = path == root or path.startswith(f"{root}/")
            rest = path[len(root) :] if below else path
            scope = {**scope, "root_path": root, "path": f"{root}{rest or '/'}"}
        await self.app(scope, receive, send)
