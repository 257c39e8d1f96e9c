"""Searches side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.answers.comparisons import comparison_public
from api.deps import StoreDep, find_search
from api.openapi.problems import problems
from nas.comparison.searches import compared_searches
from nas.schemas.comparisons import ComparisonPublic
from nas.schemas.panels import SERIES
from search_spaces.validation import FieldProblem, InputError

router = APIRouter(tags=["searches"])

MOST = len(SERIES)

SearchIds = Annotated[
    list[str],
    Query(
        json_schema_extra={"minItems": 2, "maxItems": MOST, "uniqueItems": True},
        description=f"The id of a search; the parameter is given once for each of 2 to {MOST} searches.",
    ),
]


@router.get("/comparison", responses=problems(404))
def compare_searches(search: SearchIds, store: StoreDep) -> ComparisonPublic:
    """Compare searches: how their best scores rose, the settings that differ, their best architectures.

    `notes` say where scores cannot be compared, since they were measured at other fidelities or rungs, or on other
    data. The answer does not grow with the number of trials.
    """
    if not 2 <= len(search) <= MOST:
        raise _refused(f"name 2 to {MOST} searches to compare, not {len(search)}")
    twice = next((one for index, one in enumerate(search) if one in search[:index]), None)
    if twice is not None:
        raise _refused(f"{twice[:40]} is named twice; name different searches to compare")
    found = store.find_searches(search)
    ordered = [found[one] if one in found else find_search(store, one) for one in search]
    return comparison_public(compared_searches(ordered, store))


def _refused(message: str) -> InputError:
    return InputError([FieldProblem(path="search", message=message)])
