"""The dependencies and the parameters that routes share."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from api.callers import Caller
from api.driver_logs import DriverLogs
from api.errors import ApiError
from api.events import EventHub
from api.metrics import Metrics
from api.reconciler import JobCluster, Reconciler
from api.stale_cache import StaleCache
from nas.schemas.panels import Panel
from nas.settings import Settings
from nas.store import SearchRecord, Store

MAX_NUMBER = 2**31 - 1

# The short dependencies are coroutines only so that FastAPI does not run each in a thread.


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _cluster(request: Request) -> JobCluster | None:
    cluster: JobCluster | None = request.app.state.cluster
    return cluster


async def _reconciler(request: Request) -> Reconciler | None:
    reconciler: Reconciler | None = request.app.state.reconciler
    return reconciler


async def _logs(request: Request) -> DriverLogs:
    logs: DriverLogs = request.app.state.logs
    return logs


async def _hub(request: Request) -> EventHub:
    hub: EventHub = request.app.state.hub
    return hub


async def _panels(request: Request) -> StaleCache[tuple[Panel, ...]]:
    panels: StaleCache[tuple[Panel, ...]] = request.app.state.panels
    return panels


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


SettingsDep = Annotated[Settings, Depends(_settings)]
StoreDep = Annotated[Store, Depends(_store)]
ClusterDep = Annotated[JobCluster | None, Depends(_cluster)]
ReconcilerDep = Annotated[Reconciler | None, Depends(_reconciler)]
LogsDep = Annotated[DriverLogs, Depends(_logs)]
HubDep = Annotated[EventHub, Depends(_hub)]
CallerDep = Annotated[Caller, Depends(_caller)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]
PanelsDep = Annotated[StaleCache[tuple[Panel, ...]], Depends(_panels)]


def _search(
    store: StoreDep,
    search_id: Annotated[str, Path(description="The id of the search, as `POST /v1/searches` answered it.")],
) -> SearchRecord:
    return find_search(store, search_id)


def find_search(store: Store, search_id: str) -> SearchRecord:
    """Read a search by the text of a request.

    Raises:
        ApiError: The text is no id of a search.
        NotFoundError: There is no search of that id.
    """
    # The server makes all ids, so any other text (with a zero byte, or very long) need not reach the database.
    if not re.fullmatch(r"s[0-9a-f]{12}", search_id):
        raise ApiError(404, f"there is no search {search_id[:40]!r}; ids look like s0123456789ab")
    return store.get_search(search_id)


SearchDep = Annotated[SearchRecord, Depends(_search)]
TrialNumber = Annotated[int, Path(ge=0, le=MAX_NUMBER, description="The trial's number within its search, from 0.")]
Limit = Annotated[int, Query(ge=1, le=500, description="The largest number of items on the page.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="The `next_cursor` of the page before; without it, the first page.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Any text that you choose: the same key again answers with the same search, and starts no other.",
    ),
]
