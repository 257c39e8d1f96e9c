"""Confirmations: whether what a search found is better than heads of the textbooks, with fresh seeds and images."""

from __future__ import annotations

from fastapi import APIRouter

from api.answers.confirmations import confirmation_public
from api.answers.searches import search_public
from api.creation import CreationDep
from api.deps import SearchDep, SettingsDep, StoreDep
from api.errors import ApiError
from api.middleware.body import StrictJsonRoute
from api.openapi.problems import problems
from nas.kinds.confirmation import KIND as CONFIRMATION
from nas.kinds.confirmation import newest_confirmation
from nas.kinds.confirming import NothingScoredError, confirmation_spec
from nas.kinds.registry import kind_of
from nas.kinds.summaries import summary
from nas.schemas.confirmations import ConfirmationPublic
from nas.schemas.searches import SearchPublic
from nas.specs import ConfirmationRequest

router = APIRouter(tags=["confirmations"], route_class=StrictJsonRoute)


@router.post("/searches/{search_id}/confirmation", status_code=201, responses=problems(409))
def confirm_search(
    *,
    search: SearchDep,
    body: ConfirmationRequest,
    creation: CreationDep,
    store: StoreDep,
    settings: SettingsDep,
) -> SearchPublic:
    """Measure the best architectures of a search again with fresh seeds, beside reference heads, by a new search.

    They train as in the search. Where its fidelity has a `holdout`, scores are of the validation images that were kept
    back. The architectures are chosen now, by the scores so far: the search may still be running.
    """
    if (reason := kind_of(search.spec).unranked(search)) is not None:
        raise ApiError(409, reason)
    try:
        spec = confirmation_spec(search, body, store)
    except NothingScoredError as error:
        raise ApiError(409, str(error)) from None
    record = creation.create(spec, body, parent=search.id)
    return search_public(record, summary(record, store), settings)


@router.get("/searches/{search_id}/confirmation", responses=problems(409))
def get_confirmation(search: SearchDep, store: StoreDep) -> ConfirmationPublic:
    """Read what a confirmation has found so far: its own by its id, the newest one by the id of the search.

    The answer is 409 when the search was never confirmed.
    """
    own = CONFIRMATION.own(search.spec)
    found = (search, own) if own is not None else newest_confirmation(search.id, store)
    if found is None:
        raise ApiError(
            409,
            f"nothing of search {search.id} was confirmed: POST /v1/searches/{search.id}/confirmation starts that "
            f"(segnas confirm {search.id})",
        )
    return confirmation_public(*found, store)
