"""Health: whether the process runs, and whether it can work. Open without a token, for load balancers."""

from __future__ import annotations

import logging
from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from api.answers.searches import dashboard_url
from api.deps import ClusterDep, SettingsDep, StoreDep
from api.disk import folders, why_not_writable
from api.reconciler import JobCluster
from nas.schemas.health import HealthPublic, PartPublic, ServerPublic
from nas.store import Store, StoreError
from workers.cluster.health import JOB_SERVER, PARTS

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
    """Check every part that a search needs.

    `store`: the database answers and is of this version. `disk`: home folder and database folder take files. `ray`:
    the job server answers. `gcs` and `raylet`: Ray's control store and head node work. `driver`, only of a service that
    lacks what searches import: why none can run.

    The answer is 503 where one of them cannot be used; `parts` says which. Without the token, addresses and reasons
    are left out.
    """
    detailed = getattr(request.state, "caller", None) is not None
    problems = {"store": _store(store), "disk": why_not_writable(folders(settings)), **_ray(cluster)}
    parts = {name: _part(name, problem, detailed) for name, problem in problems.items()}
    all_ok = all(part.ok for part in parts.values())
    response.status_code = 200 if all_ok else 503
    dashboard = dashboard_url(settings) if detailed else None
    return ServerPublic(ready=all_ok, version=version("segnas"), parts=parts, ray_dashboard=dashboard)


def _part(name: str, problem: str | None, detailed: bool) -> PartPublic:
    if problem is None:
        return PartPublic(ok=True)
    return PartPublic(ok=False, message=problem if detailed else f"{name} cannot be used")


def _store(store: Store) -> str | None:
    try:
        store.check()
    except StoreError as error:
        log.warning("the store is not ready: %s", error)
        return str(error)
    return None


def _ray(cluster: JobCluster | None) -> dict[str, str | None]:
    """The problem of each part of the cluster; a part without one is named too."""
    if cluster is None:
        return {JOB_SERVER: "no cluster is configured"}
    return {**dict.fromkeys(PARTS), **cluster.problems()}
