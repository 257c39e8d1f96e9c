"""Trials of a search: the leaderboard, one with its learning curve, the best as a document to take away."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api.deps import Cursor, Limit, SearchDep, StoreDep, TrialNumber
from api.errors import ApiError
from api.export import trial_document
from api.models import trial_detail, trial_page
from nas.problems import FieldProblem, InputError
from nas.public import PagePublic, TrialDetail, TrialPublic
from nas.store import TrialOrder, TrialStatus
from search_spaces import DenseCell, architecture_from_dict, write_deeplab

router = APIRouter(tags=["trials"])

Format = Annotated[
    Literal["segnas", "deeplab"],
    Query(description="`segnas`: this project's document; `deeplab`: TensorFlow DeepLab's dense prediction cell."),
]


@router.get("/searches/{search_id}/trials")
def list_trials(
    *,
    search: SearchDep,
    store: StoreDep,
    order_by: Annotated[TrialOrder, Query(description="`-score` is the leaderboard.")] = "number",
    status: TrialStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PagePublic[TrialPublic]:
    """Trials by number or score; those without a score come last."""
    try:
        return trial_page(store.list_trials(search.id, order_by, status, limit, cursor))
    except ValueError as error:
        raise InputError([FieldProblem(path="cursor", message=str(error))]) from None


@router.get("/searches/{search_id}/trials/{number}")
def get_trial(search: SearchDep, number: TrialNumber, store: StoreDep) -> TrialDetail:
    """One trial with its learning curve, a measurement at every rung it reached, and as a document."""
    return trial_detail(search, store.get_trial(search.id, number), store.curve(search.id, number))


@router.get("/searches/{search_id}/best")
def best_trial(search: SearchDep, store: StoreDep, format: Format = "segnas") -> Any:
    """The best architecture as a document; while the search runs, the best so far (404 before any score).

    The best is the highest score at the deepest rung that any trial has reached.
    """
    best = store.best_trial(search.id)
    if best is None:
        raise ApiError(404, f"search {search.id} has measured nothing yet ({search.status}); ask again later")
    if format == "segnas":
        return trial_document(search, best, store.curve(search.id, best.number))
    architecture = architecture_from_dict(best.architecture)
    if not isinstance(architecture, DenseCell):
        raise ApiError(409, f"a {architecture.kind} has no form in TensorFlow DeepLab; take format=segnas")
    return write_deeplab(architecture)
