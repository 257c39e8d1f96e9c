"""Searches: create, list, look at, stop, follow, read the driver's log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from fastapi import APIRouter, Body, Header, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import AfterValidator
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.answers.forecasts import forecast_public
from api.answers.searches import search_page, search_public
from api.creation import create, request_key
from api.deps import ClusterDep, Cursor, HubDep, IdempotencyKey, Limit, ReconcilerDep, SearchDep, SettingsDep, StoreDep
from api.errors import ApiError
from api.events import EventHub
from api.middleware.body import StrictJsonRoute
from api.named_fidelities import named_fidelity
from api.names import check_names
from api.openapi.problems import problems
from nas.kinds.registry import kind_of, kinds
from nas.results.status import SearchStatus
from nas.schemas.forecasts import ForecastPublic
from nas.schemas.searches import SearchPage, SearchPublic
from nas.specs import JobSpec, SearchRequest
from nas.specs.requests import resolve
from search_spaces.validation import FieldProblem, InputError
from workers.cluster.jobs import ClusterUnreachable, job_id

HEARTBEAT_SECONDS = 15
GRACE_SECONDS = 1.0
STALLED_SECONDS = 30.0
"""A watcher that takes nothing for so long is let go."""


def _known_kind(name: str | None) -> str | None:
    if name is not None and name not in kinds():
        raise ValueError(f"there is no kind of search {name!r}; use one of {', '.join(kinds())}")
    return name


KindName = Annotated[str | None, AfterValidator(_known_kind), Query(json_schema_extra={"enum": list(kinds())})]

router = APIRouter(tags=["searches"], route_class=StrictJsonRoute)


@router.post(
    "/searches",
    status_code=201,
    response_model=SearchPublic,
    responses={
        200: {"model": ForecastPublic, "description": "Dry run: what it would cost."},
        202: {"model": SearchPublic, "description": "Dry run with `measure`: the probe that was started."},
        **problems(409),
    },
)
def create_search(
    *,
    asked: Annotated[SearchRequest, Body()],
    request: Request,
    response: Response,
    store: StoreDep,
    settings: SettingsDep,
    reconciler: ReconcilerDep,
    idempotency_key: IdempotencyKey = None,
    dry_run: Annotated[
        bool, Query(description="Check the spec and say what it would cost; nothing is stored.")
    ] = False,
    measure: Annotated[
        bool, Query(description="With `dry_run`: start a small search that measures what steps cost.")
    ] = False,
) -> SearchPublic | JSONResponse:
    """Start a search. It is queued, and its driver is submitted to the cluster within seconds.

    `Location` says where it lives. A data set or weights are named as registered in the server's configuration. For
    `fidelity` a spec may also give the id of a calibration (what it recommends), or `ID/PROXY` (one of its proxies).

    `dry_run=true` checks the same, starts nothing and answers 200 with the forecast: how many trials get to which rung,
    and what they cost by what was measured before at the same fidelity, or at one whose steps cost the same. With
    `measure=true` beside it a probe is started (202, `Location`): a few trials of some iterations, or two epochs. When
    it is over the dry run finds its times.
    """
    if measure and not dry_run:
        message = "measure=true goes with dry_run=true: a search that is started measures itself"
        raise InputError([FieldProblem(path="measure", message=message)])
    spec = resolve(asked, lambda name: named_fidelity(name, store))
    if dry_run and not measure:
        check_names(spec, settings)
        return JSONResponse(forecast_public(spec, store).model_dump(mode="json"))
    if measure:
        # The key may be used again for the search itself.
        spec, idempotency_key = _probe(spec), None
        response.status_code = 202
    bound = request_key(request, asked)
    record = create(spec, store, settings, reconciler, response, key=idempotency_key, request_key=bound)
    response.headers["Location"] = str(request.url_for("get_search", search_id=record.id).path)
    return search_public(record, store.overview(record.id), settings)


def _probe(spec: JobSpec) -> JobSpec:
    probe: JobSpec | None = kind_of(spec).probe(spec)
    if probe is None:
        message = f"a search of the kind {spec.kind} has no probe: leave measure out"
        raise InputError([FieldProblem(path="measure", message=message)])
    return probe


@router.get("/searches")
def list_searches(
    *,
    store: StoreDep,
    settings: SettingsDep,
    status: SearchStatus | None = None,
    kind: KindName = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SearchPage:
    """Searches, newest first."""
    try:
        page = store.list_searches(status=status, limit=limit, cursor=cursor, kind=kind)
    except ValueError as error:
        raise InputError([FieldProblem(path="cursor", message=str(error))]) from None
    return search_page(page, store.overviews([record.id for record in page.items]), settings)


@router.get("/searches/{search_id}")
def get_search(search: SearchDep, store: StoreDep, settings: SettingsDep) -> SearchPublic:
    """One search: its status, its stage, its trials counted, the best one so far."""
    return search_public(search, store.overview(search.id), settings)


@router.post("/searches/{search_id}/stop", status_code=202, responses=problems(409))
def stop_search(search: SearchDep, store: StoreDep, settings: SettingsDep, reconciler: ReconcilerDep) -> SearchPublic:
    """Stop a search; everything measured stays. Running trials end within seconds.

    Asking again changes nothing. A search that is over on its own cannot be stopped (409).
    """
    waiting = [SearchStatus.QUEUED]
    working = [SearchStatus.STARTING, SearchStatus.RUNNING]
    if not (
        store.move_search(search.id, waiting, SearchStatus.STOPPED, message="stopped before it began")
        or store.move_search(search.id, working, SearchStatus.STOPPING, message="stopped on request")
        # A driver that was lost in between had put it back into the queue.
        or store.move_search(search.id, waiting, SearchStatus.STOPPED, message="stopped on request")
    ):
        status = store.get_search(search.id).status
        if status not in (SearchStatus.STOPPING, SearchStatus.STOPPED):
            raise ApiError(409, f"search {search.id} is over ({status}); only one that goes on can be stopped")
    if reconciler is not None:
        reconciler.wake()
    return search_public(store.get_search(search.id), store.overview(search.id), settings)


@router.get(
    "/searches/{search_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    },
)
async def watch_search(
    search: SearchDep,
    hub: HubDep,
    last_event_id: Annotated[str | None, Header(max_length=64, description="Where an earlier one ended.")] = None,
) -> EventSourceResponse:
    """Follow a search as server-sent events.

    First `search` and one `trial` for each trial as they stand; then the same events when something changes; at last
    `end` with the finished search, after which nothing comes: close the stream. `data` is JSON, each time the whole
    search or trial. A comment every 15 s keeps the connection open.
    """
    closing = anyio.Event()
    return EventSourceResponse(
        _stream(hub, search.id, last_event_id, closing),
        ping=HEARTBEAT_SECONDS,
        sep="\n",
        send_timeout=STALLED_SECONDS,
        shutdown_event=closing,
        shutdown_grace_period=GRACE_SECONDS,
    )


async def _stream(
    hub: EventHub, search_id: str, last_event_id: str | None, closing: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    async for event in hub.watch(search_id, last_event_id, closing):
        yield ServerSentEvent(event.data, event=event.name, id=event.id, sep="\n")


@router.get("/searches/{search_id}/logs", response_class=PlainTextResponse)
def read_logs(
    search: SearchDep,
    cluster: ClusterDep,
    tail: Annotated[int, Query(ge=1, le=100_000, description="The last so many lines.")] = 1000,
    attempt: Annotated[int | None, Query(ge=1, description="Of which driver; the last one by default.")] = None,
) -> PlainTextResponse:
    """What the search's driver and its trials printed, as plain text; empty before a driver was started."""
    attempt = search.attempt if attempt is None else attempt
    if attempt > search.attempt:
        raise ApiError(404, f"search {search.id} has had {search.attempt} drivers; there is no driver {attempt}")
    if attempt == 0:
        return PlainTextResponse("")
    if cluster is None:
        raise ApiError(503, "no cluster is configured, so there are no logs")
    try:
        text = cluster.logs(job_id(search.id, attempt))
    except ClusterUnreachable as error:
        raise ApiError(503, str(error), {"Retry-After": "5"}) from error
    lines = text.splitlines(keepends=True)[-tail:]
    return PlainTextResponse("".join(lines))
