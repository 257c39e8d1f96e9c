"""Trials of a search: the leaderboard, one trial with its learning curve, the best architecture as a document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api.answers.documents import fitting, snapshot_document, trial_document
from api.answers.pareto import pareto_public
from api.answers.predictions import predictions_public
from api.answers.relatives import relatives
from api.answers.svg import SvgResponse
from api.answers.trials import trial_detail, trial_page
from api.deps import Cursor, Limit, SearchDep, SettingsDep, StoreDep, TrialNumber
from api.errors import ApiError
from api.names import class_names
from api.openapi.problems import problems
from nas.drawing.draw import draw_architecture
from nas.drawing.setting import Setting
from nas.kinds.registry import kind_of
from nas.kinds.summaries import summary
from nas.panels.trial import trial_panels
from nas.ranking.pareto import pareto_set_of
from nas.results.orders import TrialOrder
from nas.results.status import TrialStatus
from nas.schemas.panels import Panel
from nas.schemas.pareto import ParetoPublic
from nas.schemas.trials import TrialDetail, TrialPage
from nas.settings import Settings
from nas.store import SearchRecord, SnapshotRecord, TrialRecord
from search_spaces.formats import write_format
from search_spaces.validation import FieldProblem, InputError

router = APIRouter(tags=["trials"])

Format = Annotated[
    Literal["segnas", "deeplab", "darts"],
    Query(
        description="`segnas`: this project's document; `deeplab`: TensorFlow DeepLab's format of a dense prediction "
        "cell or of an Auto-DeepLab; `darts`: the format of Auto-DeepLab's PyTorch re-implementations."
    ),
]


@router.get("/searches/{search_id}/trials")
def list_trials(
    *,
    search: SearchDep,
    store: StoreDep,
    order_by: Annotated[
        TrialOrder,
        Query(
            description="By what, descending where `-` leads. `-score` is the leaderboard: deeper rungs first, then "
            "higher values of the search's first objective; `miou` is the mIoU, of deeper rungs first too."
        ),
    ] = "number",
    status: TrialStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    scores: Annotated[bool, Query(description="Whether to add the score at each rung.")] = False,
) -> TrialPage:
    """List trials by number, by score as their `standing` says, or by what they cost; what is not known comes last."""
    try:
        page = store.list_trials(search.id, order_by, status, limit, cursor)
    except ValueError as error:
        raise InputError([FieldProblem(path="cursor", message=str(error))]) from None
    return trial_page(page, store.rung_points(search.id, [t.number for t in page.items]) if scores else None)


@router.get("/searches/{search_id}/pareto")
def get_pareto_set(search: SearchDep, store: StoreDep) -> ParetoPublic:
    """Read the Pareto set of a search: the trials that no other one beats in one objective without losing in another.

    Only trials at the deepest rung that was reached are compared. A search with one objective has its best trials in
    the set.
    """
    return pareto_public(search, pareto_set_of(search, store), store)


@router.get("/searches/{search_id}/trials/{number}")
def get_trial(search: SearchDep, number: TrialNumber, store: StoreDep, settings: SettingsDep) -> TrialDetail:
    """Read one trial with its learning curve (a measurement at every rung that it reached) and its document."""
    trial = store.get_trial(search.id, number)
    return trial_detail(search, trial, store.curve(search.id, number), _classes(settings, search, trial))


@router.get("/searches/{search_id}/trials/{number}/drawing", response_class=SvgResponse)
def draw_trial(search: SearchDep, number: TrialNumber, store: StoreDep) -> SvgResponse:
    """Draw the architecture of a trial as SVG, with rates and grids to scale on the crop that it is measured on."""
    trial = store.get_trial(search.id, number)
    levels = kind_of(search.spec).levels(search.spec, store)
    setting = Setting.of(search.spec.fidelity_of(trial.fidelity_key), levels)
    return SvgResponse(draw_architecture(trial.architecture, setting).svg)


@router.get("/searches/{search_id}/trials/{number}/panels")
def list_trial_panels(search: SearchDep, number: TrialNumber, store: StoreDep, settings: SettingsDep) -> list[Panel]:
    """List what to show of a trial: predictions, curves, IoU of each class, what the score rests on, origins, commands.

    Every text is in its final form, as in the panels of a search.
    """
    trial, curve = store.get_trial(search.id, number), store.curve(search.id, number)
    names = fitting(_classes(settings, search, trial), curve)
    seen = store.predictions(search.id, number)
    return list(
        trial_panels(
            search.id,
            trial,
            search.spec.fidelity_of(trial.fidelity_key),
            curve,
            names,
            objective=search.spec.goals.text,
            predictions=None if seen is None else predictions_public(search.id, number, seen),
            relatives=list(relatives(store, search, trial)),
        )
    )


@router.get("/searches/{search_id}/best", responses=problems(409))
def best_trial(search: SearchDep, store: StoreDep, settings: SettingsDep, format: Format = "segnas") -> Any:
    """Export the best architecture as a document; while the search runs, the best so far (404 before any score).

    The best architecture is that of the first trial in the order `-score`, until a confirmation that measured it again
    is completed: then it is the one with the best mean there, and `provenance.confirmed` says so. Of a differentiable
    search that measures none of its snapshots, it is the last one of the run whose supernet scores highest.
    """
    found = summary(search, store)
    best = found.best or kind_of(search.spec).best_snapshot(search, store)
    if best is None:
        raise ApiError(404, f"search {search.id} has measured nothing yet ({search.status}); ask again later")
    if format == "segnas":
        if isinstance(best, SnapshotRecord):
            return snapshot_document(search, best, class_names(settings, kind_of(search.spec).dataset(search.spec)))
        curve = store.curve(search.id, best.number)
        return trial_document(search, best, curve, _classes(settings, search, best), found.confirmed)
    try:
        return write_format(best.architecture, format)
    except ValueError as error:
        raise ApiError(409, str(error)) from None


def _classes(settings: Settings, search: SearchRecord, trial: TrialRecord) -> tuple[str, ...]:
    return class_names(settings, search.spec.fidelity_of(trial.fidelity_key).dataset)
