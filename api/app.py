"""The application: its routes and middleware, and the objects that live as long as it does."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse
from fastapi.security import HTTPBearer
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware

from api import errors, openapi
from api.access import AUTHORISED
from api.driver_logs import DriverLogs
from api.events import EventHub
from api.metrics import Metrics, Recorded
from api.middleware.audit import Audit
from api.middleware.auth import LocalOnly, TokenRequired
from api.middleware.body import BodyLimit
from api.middleware.headers import PageHeaders
from api.middleware.requests import Requests
from api.middleware.root_path import RootPath
from api.open_files import say_once_that_none_is_left
from api.openapi.problems import problems
from api.parameters import ONLY_DECLARED_PARAMETERS
from api.rates import Rates
from api.reconciler import JobCluster, Reconciler
from api.routes import (
    calibrations,
    catalogue,
    comparisons,
    confirmations,
    dashboard,
    health,
    lifecycle,
    metrics,
    panels,
    predictions,
    rankings,
    references,
    reports,
    searches,
    snapshots,
    tokens,
    trials,
    worth,
)
from api.stale_cache import StaleCache
from nas.settings import Settings
from nas.store import Store
from workers.cluster.jobs import Cluster

log = logging.getLogger("segnas.api")

STATIC = Path(__file__).parent / "static"

COLLECTOR_THRESHOLDS = (10_000, 20, 50)
"""When the cyclic garbage collector runs, see `gc.set_threshold`. At CPython's defaults a list of snapshots caused a
full collection, of 40 ms, at every fifth request."""


CROSS_ORIGIN: dict[str, Any] = {
    "allow_methods": ("GET", "POST", "PATCH", "DELETE"),
    "allow_headers": ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"),
    "expose_headers": ("Location", "Idempotency-Replayed", "Retry-After", "ETag"),
}
"""What pages of the sites in `cors_origins` may send and read; cookies mean nothing to the service."""


def create_app(settings: Settings, cluster: JobCluster | None = None) -> FastAPI:
    """Make the service.

    Args:
        settings: The configuration; it names the store.
        cluster: Where searches run; None uses the cluster at `settings.ray_dashboard`. Without either, searches wait
            in the queue.
    """
    if cluster is None and settings.ray_dashboard is not None:
        cluster = Cluster(settings.ray_dashboard, authority=settings.ray_ca)
    app = FastAPI(
        title="Segnas",
        version=version("segnas"),
        description=openapi.DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,  # FastAPI's pages load scripts from other hosts; static/docs.html works without a network
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
    )
    app.state.settings = settings
    app.state.cluster = cluster
    app.state.metrics = Metrics()
    app.state.logs = DriverLogs(settings.logs, cluster)
    errors.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(PageHeaders)
    if settings.token is None:
        app.add_middleware(LocalOnly)
    else:
        own = settings.token
        app.add_middleware(TokenRequired, token=own, rates=Rates(), metrics_token=settings.metrics_token)
    app.add_middleware(Audit)
    app.add_middleware(Requests, metrics=app.state.metrics)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, **CROSS_ORIGIN, allow_origins=settings.cors_origins)
    if settings.root_path:
        app.add_middleware(RootPath, root_path=settings.root_path)
    _add_routes(app, settings)
    openapi.install(app, settings)
    return app


def _add_routes(app: FastAPI, settings: Settings) -> None:
    # The dependency only documents the token in OpenAPI; the middleware checks it.
    documented = [] if settings.token is None else [Depends(HTTPBearer(auto_error=False))]
    guarded = [*documented, AUTHORISED, ONLY_DECLARED_PARAMETERS]
    of_trials = (trials, predictions, panels, snapshots, references)
    of_searches = (searches, comparisons, lifecycle, worth)
    for module in (*of_searches, *of_trials, rankings, confirmations, calibrations, reports):
        app.include_router(module.router, prefix="/v1", dependencies=guarded, responses=problems(503))
    app.include_router(tokens.router, prefix="/v1", dependencies=guarded, responses=problems(503))
    app.include_router(catalogue.router, prefix="/v1", dependencies=guarded)
    app.include_router(dashboard.router, prefix="/v1", dependencies=guarded)
    app.include_router(dashboard.page_router)
    app.include_router(health.router, prefix="/v1", dependencies=[ONLY_DECLARED_PARAMETERS])
    app.include_router(health.router, include_in_schema=False, dependencies=[ONLY_DECLARED_PARAMETERS])
    app.include_router(metrics.router, dependencies=[ONLY_DECLARED_PARAMETERS])
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for path, file in (("/", "index.html"), ("/docs", "docs.html")):
        app.add_api_route(path, _page(STATIC / file), include_in_schema=False, response_class=FileResponse)


def _page(file: Path) -> Any:
    async def page() -> FileResponse:
        return FileResponse(file)

    return page


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open and migrate the store, start the reconciler's thread and the hub of live events; close them at the end."""
    settings: Settings = app.state.settings
    say_once_that_none_is_left(asyncio.get_running_loop())
    store = Store.open(settings.store_url)
    await to_thread.run_sync(store.migrate)
    app.state.store = store
    measured: Metrics = app.state.metrics
    recorded = Recorded(store, settings.cache)
    measured.registry.register(recorded)
    app.state.hub = EventHub(store, settings, metrics=measured)
    app.state.panels = StaleCache()
    app.state.reconciler = None
    if app.state.cluster is not None:
        app.state.reconciler = Reconciler(
            store,
            app.state.cluster,
            seconds=settings.reconcile_seconds,
            max_attempts=settings.max_driver_attempts,
            logs=app.state.logs,
            metrics=measured,
        )
        app.state.reconciler.start()
    try:
        with _rare_collections():
            yield
    finally:
        await app.state.hub.close()
        await to_thread.run_sync(app.state.panels.close)
        if app.state.reconciler is not None:
            await to_thread.run_sync(app.state.reconciler.stop)
        measured.registry.unregister(recorded)
        store.close()


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Have the garbage collector, which stops every request meanwhile, leave alone what exists now, and run rarely.

    What exists now lives as long as the service, and a request makes many objects, of which few are in cycles.
    """
    gc.collect()
    gc.freeze()
    thresholds = gc.get_threshold()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
