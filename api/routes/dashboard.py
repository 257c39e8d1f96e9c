"""The door to the Ray dashboard, for those who have shown that they may go through.

Ray's token lets its holder start any program on the cluster. So it is given to whoever shows the service's own token
(unless `dashboard_sign_in` forbids it), and the browser of whoever can read the token's file is signed in. A service
without a token of its own knows nobody, and gives it to nobody.
"""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.answers.searches import dashboard_url
from api.deps import ClusterDep, SettingsDep
from api.errors import ApiError
from api.openapi.problems import problems
from api.reconciler import JobCluster
from nas.schemas.dashboard import DashboardPublic
from nas.settings import Settings
from workers.cluster.jobs import ClusterUnreachable

RAY_COOKIE = "ray-authentication-token"
"""The cookie that Ray's own page sets for its token."""

router = APIRouter(tags=["health"])
page_router = APIRouter(include_in_schema=False)


@router.post("/dashboard", responses=problems(403, 404, 503))
def open_dashboard(request: Request, response: Response, settings: SettingsDep, cluster: ClusterDep) -> DashboardPublic:
    """Open the Ray dashboard: where it is, and Ray's token where it asks for one.

    With the token one can start programs on the cluster, so the service gives it only to those who show the service's
    own; a service without a token refuses (403). Where the dashboard has the same host name, the answer also sets the
    cookie that the dashboard's own page would set.
    """
    url, token = _door(settings, cluster)
    if token is None:
        return DashboardPublic(url=url, token=None, signed_in=False)
    if settings.token is None:
        raise ApiError(
            403,
            "this service asks nobody who they are, so it gives Ray's token to nobody: `segnas dashboard`"
            " on its machine signs you in",
        )
    if not settings.dashboard_sign_in:
        raise ApiError(403, "this service does not give Ray's token away: ask who runs the cluster")
    return DashboardPublic(url=url, token=token, signed_in=_sign_in(request, response, url, token))


@page_router.post("/dashboard")
async def enter_dashboard(request: Request, settings: SettingsDep, cluster: ClusterDep) -> Response:
    """Sign a browser in that brings Ray's token as a form's field `token`, and send it to the dashboard.

    `segnas dashboard` opens such a form from a file that only its owner can read: the token is in no address, and in no
    list of processes.
    """
    url, token = _door(settings, cluster)
    given = parse_qs((await request.body()).decode("latin-1")).get("token", [""])[0]
    if token is not None and not secrets.compare_digest(given.encode(), token.encode()):
        raise ApiError(403, "this is not the token of the Ray cluster")
    response = RedirectResponse(url, status_code=303)
    if token is not None:
        _sign_in(request, response, url, token)
    return response


def _door(settings: Settings, cluster: JobCluster | None) -> tuple[str, str | None]:
    """The dashboard's address, and Ray's token where the dashboard asks for one."""
    url = dashboard_url(settings)
    if url is None or cluster is None:
        raise ApiError(404, "this service has no Ray cluster, and so no dashboard")
    try:
        return url, cluster.dashboard_token()
    except ClusterUnreachable as error:
        raise ApiError(503, str(error), {"Retry-After": "5"}) from error


def _sign_in(request: Request, response: Response, url: str, token: str) -> bool:
    """Set Ray's cookie where the dashboard gets it: a cookie belongs to a host name, whatever the port."""
    if urlsplit(url).hostname != request.url.hostname:
        return False
    secure = request.url.scheme == "https"
    response.set_cookie(RAY_COOKIE, token, path="/", httponly=True, samesite="strict", secure=secure)
    return True
