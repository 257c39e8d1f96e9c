"""Health: whether the process runs, and whether it can work. Open without a token, for load balancers."""

from __future__ import annotations

import logging
from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from api.answers.searches import dashboard_url
from api.deps import ClusterDep, SettingsDep, StoreDep
from api.middleware.auth import has_token
from api.reconciler import JobCluster
from nas.schemas.health import HealthPublic, PartPublic, ServerPublic
from nas.store import Store, StoreError

log = logging.getLogger("segnas.api")

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> HealthPublic:
    """Check that the process answers; no other part is checked."""
    return HealthPublic(status="ok", version=version("segnas"))


@router.get("/readyz", responses={503: {"model": ServerPublic, "description": "A part cannot be used"}})
def ready(
    request: Request, response: Response, store: StoreDep, cluster: ClusterDep, settings: SettingsDep
) -> ServerPublic:
    """Check that the store is reachable and of this version, and that the Ray cluster answers.

    The answer is 503 where one of them cannot be used; `parts` says which. Without the token, addresses and reasons
    are left out.
    """
    detailed = settings.token is None or has_token(request.headers, settings.token)
    parts = {"store": _store(store, detailed), "ray": _ray(cluster)}
    all_ok = all(part.ok for part in parts.values())
    response.status_code = 200 if all_ok else 503
    dashboard = dashboard_url(settings) if detailed else None
    return ServerPublic(ready=all_ok, version=version("segnas"), parts=parts, ray_dashboard=dashboard)


def _store(store: Store, detailed: bool) -> PartPublic:
    try:
        store.check()
    except StoreError as error:
        log.warning("the store is not ready: %s", error)
        return PartPublic(ok=False, message=str(error) if detailed else "the store cannot be used")
    return PartPublic(ok=True)


def _ray(cluster: JobCluster | None) -> PartPublic:
    if cluster is None:
        return PartPublic(ok=False, message="no cluster is configured")
    if not cluster.reachable():
        return PartPublic(ok=False, message="the Ray cluster does not answer")
    return PartPublic(ok=True)
