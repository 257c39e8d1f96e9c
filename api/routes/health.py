"""Whether the service lives, and whether it can do its work. Open to all: a load balancer has no token."""

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
    """The process is alive; nothing else is asked."""
    return HealthPublic(status="ok", version=version("segnas"))


@router.get("/readyz", responses={503: {"model": ServerPublic, "description": "Some part is not there"}})
def ready(
    request: Request, response: Response, store: StoreDep, cluster: ClusterDep, settings: SettingsDep
) -> ServerPublic:
    """The store is reachable and of this version, and the Ray cluster answers; 503 says which part is not there.

    Without the token, addresses and reasons are left out.
    """
    known = settings.token is None or has_token(request.headers, settings.token)
    parts = {"store": _store(store, known), "ray": _ray(cluster)}
    well = all(part.ok for part in parts.values())
    response.status_code = 200 if well else 503
    dashboard = dashboard_url(settings) if known else None
    return ServerPublic(ready=well, version=version("segnas"), parts=parts, ray_dashboard=dashboard)


def _store(store: Store, known: bool) -> PartPublic:
    try:
        store.check()
    except StoreError as error:
        log.warning("the store is not ready: %s", error)
        return PartPublic(ok=False, message=str(error) if known else "the store cannot be used")
    return PartPublic(ok=True)


def _ray(cluster: JobCluster | None) -> PartPublic:
    if cluster is None:
        return PartPublic(ok=False, message="no cluster is configured")
    if not cluster.reachable():
        return PartPublic(ok=False, message="the Ray cluster does not answer")
    return PartPublic(ok=True)
