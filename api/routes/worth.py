"""Whether a search that exists is worth it; before it is started, a dry run asks the same."""

from __future__ import annotations

from fastapi import APIRouter

from api.answers.searches import search_public
from api.answers.worth import known, question_about
from api.asking import ask_worth
from api.creation import CreationDep
from api.deps import SearchDep, SettingsDep, StoreDep
from api.errors import ApiError
from api.middleware.body import StrictJsonRoute
from api.openapi.problems import problems
from nas.kinds.summaries import summary
from nas.schemas.searches import SearchPublic
from nas.schemas.worth import WorthPublic
from search_spaces.validation import InputError

router = APIRouter(tags=["searches"], route_class=StrictJsonRoute)


@router.post("/searches/{search_id}/worth", status_code=202, responses=problems(409))
def ask_search_worth(
    *, search: SearchDep, creation: CreationDep, store: StoreDep, settings: SettingsDep
) -> SearchPublic:
    """Ask what a search is expected to gain over textbook heads: start the probe that finds it out.

    The probe is a reference search of 24 heads at the first rung. Whoever asks the same again gets the same probe; one
    that has ended without an answer is resumed, or tries again what failed where nothing else is left. Of a search
    without an answer (networks, another first objective than the mIoU) it is 409.
    """
    try:
        record = ask_worth(search.spec, creation)
    except InputError as error:
        raise ApiError(409, str(error)) from None
    return search_public(record, summary(record, store), settings)


@router.get("/searches/{search_id}/worth", responses=problems(409))
def get_search_worth(search: SearchDep, store: StoreDep) -> WorthPublic:
    """Read what a search is expected to gain over textbook heads, as its probe has found out.

    The answer is 409 before the probe is completed, and says how far it is.
    """
    path = f"/v1/searches/{search.id}/worth"
    try:
        question = question_about(search.spec, store)
    except InputError as error:
        raise ApiError(409, str(error)) from None
    found = known(question, store, path, search.status)
    if found.worth is None:
        raise ApiError(409, f"{found.text}; POST {path} asks" if question.asked is None else found.text)
    return found.worth
