"""Searches: create, list, read, stop, follow, read the driver's log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Body, Header, Query, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import AfterValidator
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.answers.dry_runs import dry_run_public
from api.answers.searches import search_page, search_public
from api.asking import ask_worth
from api.creation import CreationDep, check
from api.deps import (
    CallerDep,
    ClusterDep,
    Cursor,
    HubDep,
    Limit,
    LogsDep,
    ReconcilerDep,
    SearchDep,
    SettingsDep,
    StoreDep,
)
from api.errors import ApiError
from api.followers import Event
from api.middleware.body import StrictJsonRoute
from api.named_fidelities import named_fidelity
from api.names import number_classes
from api.openapi.problems import problems
from api.validity import close_when_invalid
from api.warnings import find_warnings
from nas.formatting import counted
from nas.kinds.registry import kind_of, kinds
from nas.kinds.summaries import summaries, summary
from nas.results.status import SearchStatus
from nas.schemas.dry_runs import DryRunPublic
from nas.schemas.searches import SearchPage, SearchPublic
from nas.specs import JobSpec, SearchRequest
from nas.specs.fields import Name
from nas.specs.lifecycle import Tag
from nas.specs.requests import resolve
from search_spaces.validation import FieldProblem, InputError
from workers.cluster.jobs import ClusterUnreachable

HEARTBEAT_SECONDS = 15
GRACE_SECONDS = 1.0
STALLED_SECONDS = 30.0
"""A watcher that reads nothing for so long is disconnected."""


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
        200: {"model": DryRunPublic, "description": "Dry run: what the search would do and cost."},
        202: {"model": SearchPublic, "description": "Dry run with `measure` or `worth`: the probe."},
        **problems(409),
    },
)
def create_search(
    *,
    body: Annotated[SearchRequest, Body()],
    response: Response,
    creation: CreationDep,
    store: StoreDep,
    settings: SettingsDep,
    cluster: ClusterDep,
    dry_run: Annotated[bool, Query(description="Check the spec and forecast its cost; nothing is stored.")] = False,
    measure: Annotated[
        bool, Query(description="With `dry_run`: start a small search that measures what steps cost.")
    ] = False,
    worth: Annotated[
        bool, Query(description="With `dry_run`: start a small search that finds out what this one would gain.")
    ] = False,
) -> SearchPublic | JSONResponse:
    """Start a search. It is queued, and its driver is submitted to the cluster within seconds.

    The header `Location` has the path of the new search. A spec names data sets and weights as the server's
    configuration registers them. Its `fidelity` may also be the id of a calibration, which stands for the fidelity that
    the calibration recommends, or `ID/PROXY` for one of its proxies.

    `dry_run=true` checks the spec in the same way, starts nothing and answers 200: what would run in words, warnings,
    the whole spec, and the forecast. That is how many trials reach which rung and their cost, by the times measured
    before at the same fidelity or at one whose steps cost the same. `dry_run=true` with `measure=true` starts a probe
    (202, with `Location`): a few trials of some iterations, or two epochs of a differentiable run. Once the probe is
    over, a dry run finds its times. With `worth=true` it starts the probe that finds out what the search is expected to
    gain over textbook heads, or finds the one of whoever asked the same before; its answer is then in a dry run.
    """
    _check_probes(dry_run=dry_run, measure=measure, worth=worth)
    spec = resolve(body, lambda name: named_fidelity(name, store))
    if dry_run and not (measure or worth):
        spec = number_classes(spec, settings)
        check(spec, store, settings)
        found = dry_run_public(spec, body, find_warnings(spec, settings, cluster), store)
        return JSONResponse(found.model_dump(mode="json"))
    if worth:
        record = ask_worth(number_classes(spec, settings), creation)
    elif measure:
        record = creation.of_probe().create(_probe(spec), body)
    else:
        record = creation.create(spec, body)
    response.status_code = 202 if dry_run else 201
    return search_public(record, summary(record, store), settings)


def _check_probes(*, dry_run: bool, measure: bool, worth: bool) -> None:
    if measure and worth:
        message = "measure=true and worth=true start different probes: ask for one after the other"
        raise InputError([FieldProblem(path="worth", message=message)])
    for name, asked in (("measure", measure), ("worth", worth)):
        if asked and not dry_run:
            message = f"{name}=true goes with dry_run=true: a search that is started answers by itself"
            raise InputError([FieldProblem(path=name, message=message)])


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
    tag: Annotated[Tag | None, Query(description="Only searches with this tag.")] = None,
    owner: Annotated[Name | None, Query(description="Only searches that a token of this name started.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SearchPage:
    """List searches, newest first."""
    try:
        page = store.list_searches(status=status, limit=limit, cursor=cursor, kind=kind, tag=tag, owner=owner)
    except ValueError as error:
        raise InputError([FieldProblem(path="cursor", message=str(error))]) from None
    return search_page(page, summaries(page.items, store), settings)


@router.get("/searches/{search_id}")
def get_search(search: SearchDep, store: StoreDep, settings: SettingsDep) -> SearchPublic:
    """Read one search: its status, stage, trial counts and best trial so far."""
    return search_public(search, summary(search, store), settings)


@router.post("/searches/{search_id}/stop", status_code=202, responses=problems(409))
def stop_search(search: SearchDep, store: StoreDep, settings: SettingsDep, reconciler: ReconcilerDep) -> SearchPublic:
    """Stop a search. All measurements stay, and running trials end within seconds.

    Stopping a search again changes nothing. A search that has completed or failed cannot be stopped (409). A stopped
    search can be resumed.
    """
    queued = [SearchStatus.QUEUED]
    active = [SearchStatus.STARTING, SearchStatus.RUNNING, SearchStatus.PAUSING]
    waiting = [SearchStatus.QUEUED, SearchStatus.PAUSED]
    if not (
        store.move_search(search.id, queued, SearchStatus.STOPPED, message="stopped before it began")
        or store.move_search(search.id, active, SearchStatus.STOPPING, message="stopped on request")
        # Between the two changes the reconciler may have put the search of a lost driver back into the queue, and a
        # pausing search may have paused.
        or store.move_search(search.id, waiting, SearchStatus.STOPPED, message="stopped on request")
    ):
        status = store.get_search(search.id).status
        if status not in (SearchStatus.STOPPING, SearchStatus.STOPPED):
            raise ApiError(409, f"search {search.id} is over ({status}), so it cannot be stopped")
    if reconciler is not None:
        reconciler.wake()
    record = store.get_search(search.id)
    return search_public(record, summary(record, store), settings)


@router.get(
    "/searches/{search_id}/events",
    response_class=EventSourceResponse,
    responses={200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}},
)
async def watch_search(
    *,
    search: SearchDep,
    hub: HubDep,
    caller: CallerDep,
    store: StoreDep,
    last_event_id: Annotated[
        str | None, Header(max_length=64, description="The id of the last event of an earlier stream.")
    ] = None,
    drawn: Annotated[
        bool, Query(description="Send what a page draws, however many trials there are, instead of each trial.")
    ] = False,
) -> EventSourceResponse:
    """Follow a search as server-sent events.

    The stream begins with one event `search` and one event `trial` for each trial, in their present state. The same
    events follow when the search or a trial changes. The last event is `end`, with the finished search: then close the
    stream. `data` is JSON and always the complete search or trial. A comment every 15 s keeps the connection open.

    With `drawn=true` there are no events `trial`. Instead, `leaderboard` has the first 50 trials with the scores at
    their rungs, and `scores` a chart: the best so far and a sample of all scores.
    """
    closing = anyio.Event()
    watched = hub.watch(search.id, last_event_id, closing, drawn)
    return EventSourceResponse(
        _stream(watched, close_when_invalid(caller, store, closing)),
        ping=HEARTBEAT_SECONDS,
        sep="\n",
        send_timeout=STALLED_SECONDS,
        shutdown_event=closing,
        shutdown_grace_period=GRACE_SECONDS,
    )


async def _stream(
    events: AsyncIterator[Event], watch_over: Coroutine[Any, Any, None]
) -> AsyncIterator[ServerSentEvent]:
    watching_over = asyncio.create_task(watch_over)
    try:
        async for event in events:
            yield ServerSentEvent(event.data, event=event.name, id=event.id, sep="\n")
    finally:
        watching_over.cancel()


@router.get("/searches/{search_id}/logs", response_class=PlainTextResponse)
def read_logs(
    search: SearchDep,
    logs: LogsDep,
    tail: Annotated[int, Query(ge=1, le=100_000, description="How many lines, from the end of the log.")] = 1000,
    attempt: Annotated[
        int | None, Query(ge=1, description="The number of the driver; without it, the last one.")
    ] = None,
) -> PlainTextResponse:
    """Read the log of a search's driver and its trials as plain text; empty before a driver was started.

    Once Ray has forgotten a driver, or is away, the log is the copy that the service has made: its last megabyte, as it
    was when the driver ended or some time before Ray went.
    """
    attempt = search.attempt if attempt is None else attempt
    if attempt > search.attempt:
        raise ApiError(
            404, f"search {search.id} has had {counted(search.attempt, 'driver')}; there is no driver {attempt}"
        )
    if attempt == 0:
        return PlainTextResponse("")
    try:
        text = logs.text(search.id, attempt)
    except ClusterUnreachable as error:
        raise ApiError(503, str(error), {"Retry-After": "5"}) from error
    lines = text.splitlines(keepends=True)[-tail:]
    return PlainTextResponse("".join(lines))
