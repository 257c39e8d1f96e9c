"""What the service's door to the dashboard takes from Ray: the cookie's name, and that the dashboard reads it."""

from __future__ import annotations

import httpx
import pytest

from api.routes.dashboard import RAY_COOKIE
from workers.cluster.jobs import Cluster


def test_the_cookie_has_rays_name():
    from ray._private.authentication import authentication_constants

    assert authentication_constants.AUTHENTICATION_TOKEN_COOKIE_NAME == RAY_COOKIE


@pytest.mark.slow
def test_the_dashboard_takes_the_cookie(running_ray):
    local = running_ray.local
    with Cluster(local.dashboard_url, local.token) as cluster:
        assert cluster.dashboard_token() == local.token
    for cookies, status in (({RAY_COOKIE: local.token}, 200), ({RAY_COOKIE: "wrong"}, 403), ({}, 401)):
        assert httpx.get(f"{local.dashboard_url}/api/version", cookies=cookies).status_code == status
