"""Rankings: how well a search's scores order its architectures as their full-scale scores do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from api.answers.rankings import ranking_public
from api.answers.searches import search_public
from api.creation import CreationDep
from api.deps import SearchDep, SettingsDep, StoreDep
from api.errors import ApiError
from api.middleware.body import StrictJsonRoute
from api.openapi.problems import problems
from nas.kinds.full_scale import evaluations_of, newest_alike
from nas.kinds.registry import kind_of
from nas.kinds.summaries import summary
from nas.ranking.candidates import choose, scored
from nas.schemas.rankings import RankingPublic
from nas.schemas.searches import SearchPublic
from nas.specs import Fidelity, FullScaleRequest, FullScaleSpec, objective_at
from nas.specs.job import child_name
from nas.store import SearchRecord, Store
from nas.store.records import TrialRecord
from search_spaces.validation import FieldProblem, InputError, validate

router = APIRouter(tags=["rankings"], route_class=StrictJsonRoute)


@router.post("/searches/{search_id}/full-scale", status_code=201, responses=problems(409))
def measure_at_full_scale(
    *,
    search: SearchDep,
    body: FullScaleRequest,
    creation: CreationDep,
    store: StoreDep,
    settings: SettingsDep,
) -> SearchPublic:
    """Measure architectures of a search again at full scale, by a new search of the kind `full_scale`.

    The architectures are chosen now, by the scores so far: the search may still be running. A measurement of another
    full-scale evaluation of the search at the same fidelity and seed is adopted instead of repeated.
    """
    _require_comparable(search)
    record = creation.create(_chosen(search, body, store), body, parent=search.id)
    return search_public(record, summary(record, store), settings)


@router.get("/searches/{search_id}/ranking", responses=problems(409))
def get_ranking(
    search: SearchDep,
    store: StoreDep,
    full_scale: Annotated[
        str | None,
        Query(
            pattern=r"^s[0-9a-f]{12}$",
            description="The id of one full-scale evaluation; without it, all at the newest one's fidelity, joined.",
        ),
    ] = None,
) -> RankingPublic:
    """Compute how well the search's scores order its architectures by their full-scale scores, with uncertainty.

    Scores are values of the search's first objective (`objective`): mIoU, the IoU of a class, that of the worst class.
    While the architectures are still being measured, the ranking has those measured so far. The answer is 409 when no
    full-scale evaluation was ever started.
    """
    from nas.ranking.from_store import (
        search_ranking,
    )  # imports numpy and scipy, which would slow down the service's start

    _require_comparable(search)
    evaluations = evaluations_of(search.id, store)
    if not evaluations:
        raise ApiError(
            409,
            f"nothing of search {search.id} was measured at full scale: POST /v1/searches/{search.id}/full-scale "
            f"starts that (segnas full-scale {search.id} --fidelity FILE.yaml)",
        )
    joined = _joined(search.id, evaluations, full_scale)
    found, proxy = search_ranking(search, joined, store)
    return ranking_public(search.id, [child_id for child_id, _ in joined], found, proxy, joined[0][1].fidelity)


def _require_comparable(search: SearchRecord) -> None:
    """Raise ApiError for a search whose scores cannot be compared with full scale."""
    reason = kind_of(search.spec).unranked(search)
    if reason is not None:
        raise ApiError(409, reason)


def _chosen(search: SearchRecord, body: FullScaleRequest, store: Store) -> FullScaleSpec:
    trials = store.all_trials(search.id)
    used = {trial.seed for trial in trials if trial.fidelity_key == body.fidelity.key}
    if not used.isdisjoint(range(body.seed, body.seed + body.seeds)):
        message = (
            "this is the search's own fidelity with a seed of its own, so there is nothing to compare; with seed: "
            f"{max(used) + 1} beside it the ranking says how far scores of two seeds agree at each rung"
        )
        raise InputError([FieldProblem(path="fidelity", message=message)])
    if not scored(trials):
        raise ApiError(409, f"search {search.id} ({search.status}) has no trial that ended with a score yet")
    how, numbers = choose(body.choose, trials)
    _check_architectures(numbers, trials, body.fidelity)
    shared = {name: getattr(body, name) for name in type(body).model_fields if name not in ("name", "choose")}
    name = body.name or child_name(search.spec.name, ": full scale")
    datasets = {search.spec.fidelity_of(trial.fidelity_key).dataset for trial in trials}
    objective = objective_at(search.spec.goals.objectives[0], elsewhere=datasets != {body.fidelity.dataset})
    own = {"name": name, "of": search.id, "sampling": how, "trials": tuple(numbers), "objectives": (objective,)}
    chosen: FullScaleSpec = validate(FullScaleSpec, {**shared, **own})
    return chosen


def _check_architectures(numbers: Sequence[int], trials: Sequence[TrialRecord], fidelity: Fidelity) -> None:
    recorded = {trial.number: trial for trial in trials}
    for number in numbers:
        for path, check in (("fidelity.crop", fidelity.check_crop), ("fidelity.backbone.levels", fidelity.check_head)):
            try:
                check(recorded[number].architecture)
            except ValueError as error:
                raise InputError([FieldProblem(path=path, message=f"trial {number}: {error}")]) from None


def _joined(
    search_id: str, evaluations: Sequence[tuple[str, FullScaleSpec]], only: str | None
) -> list[tuple[str, FullScaleSpec]]:
    if only is None:
        return newest_alike(evaluations)
    if found := [(child_id, spec) for child_id, spec in evaluations if child_id == only]:
        return found
    known = ", ".join(child_id for child_id, _ in evaluations)
    raise ApiError(404, f"{only} is no full-scale evaluation of search {search_id}; those are: {known}")
