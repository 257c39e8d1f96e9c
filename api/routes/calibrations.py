"""Calibrations: which is the cheapest proxy that orders architectures as full scale does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse

from api.answers.dry_runs import dry_run_public
from api.answers.rankings import calibration_public
from api.answers.searches import search_page
from api.creation import CreationDep, check
from api.deps import ClusterDep, Cursor, Limit, SearchDep, SettingsDep, StoreDep
from api.errors import ApiError
from api.middleware.body import StrictJsonRoute
from api.openapi.problems import problems
from api.warnings import find_warnings
from nas.kinds.calibration import KIND as CALIBRATION
from nas.kinds.summaries import summaries
from nas.schemas.calibrations import CalibrationPublic
from nas.schemas.dry_runs import DryRunPublic
from nas.schemas.searches import SearchPage
from nas.specs.requests import CalibrationRequest
from nas.store import SearchRecord, Store
from search_spaces.validation import FieldProblem, InputError

router = APIRouter(tags=["calibrations"], route_class=StrictJsonRoute)


@router.post(
    "/calibrations",
    status_code=201,
    response_model=CalibrationPublic,
    responses={
        200: {"model": DryRunPublic, "description": "Dry run: what the calibration would do and cost."},
        **problems(409),
    },
)
def create_calibration(
    *,
    spec: Annotated[CalibrationRequest, Body()],
    creation: CreationDep,
    store: StoreDep,
    settings: SettingsDep,
    cluster: ClusterDep,
    dry_run: Annotated[bool, Query(description="Check the spec and forecast its cost; nothing is stored.")] = False,
) -> CalibrationPublic | JSONResponse:
    """Start a calibration, which measures the same random architectures under every proxy and at full scale.

    A calibration is a search of the kind `calibration`: the routes under /v1/searches/{id} stop it, follow it and read
    its log. `dry_run=true` checks the spec and starts nothing, as for a search.
    """
    if dry_run:
        check(spec, store, settings)
        found = dry_run_public(spec, spec, find_warnings(spec, settings, cluster), store)
        return JSONResponse(found.model_dump(mode="json"))
    return _public(creation.create(spec, spec, route="get_calibration"), store)


@router.get("/calibrations")
def list_calibrations(store: StoreDep, settings: SettingsDep, limit: Limit = 50, cursor: Cursor = None) -> SearchPage:
    """List calibrations as searches, newest first."""
    try:
        page = store.list_searches(limit=limit, cursor=cursor, kind=CALIBRATION.name)
    except ValueError as error:
        raise InputError([FieldProblem(path="cursor", message=str(error))]) from None
    return search_page(page, summaries(page.items, store), settings)


@router.get("/calibrations/{search_id}")
def get_calibration(search: SearchDep, store: StoreDep) -> CalibrationPublic:
    """Compare the proxies of a calibration: the rank correlation with full scale and the cost of each, measured so far.

    The recommended proxy is the cheapest one whose 95 % interval of rho lies above `least_rho`. A search can name its
    fidelity as `"fidelity": "CALIBRATION_ID"`, and that of any proxy as `"fidelity": "CALIBRATION_ID/PROXY"`.
    """
    return _public(search, store)


def _public(search: SearchRecord, store: Store) -> CalibrationPublic:
    from nas.ranking.from_store import calibration  # imports numpy and scipy, which would slow down the service's start

    spec = CALIBRATION.own(search.spec)
    if spec is None:
        raise ApiError(404, f"{search.id} is no calibration, but a search of the kind {search.kind}")
    found, trials = calibration(search.id, spec, store)
    return calibration_public(search, spec, trials, found)
