"""What a trial predicts on a few validation images: which images, and their pictures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from api.answers.predictions import Layer, digest, picture, predictions_public
from api.deps import SearchDep, StoreDep, TrialNumber
from api.errors import ApiError
from nas.formatting import counted
from nas.results.predictions import Predictions
from nas.schemas.predictions import PredictionsPublic
from nas.store import SearchRecord, Store

router = APIRouter(tags=["trials"])

UNCHANGING = "private, max-age=31536000, immutable"
"""How long a picture may be kept whose address names its content."""

_PICTURES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/png", "image/jpeg")},
    },
    304: {"description": "The picture is the one that `If-None-Match` names."},
}


class PictureResponse(Response):
    """A response whose body is a picture."""

    media_type = "image/png"


@router.get("/searches/{search_id}/trials/{number}/predictions")
def list_predictions(search: SearchDep, number: TrialNumber, store: StoreDep) -> PredictionsPublic:
    """List the validation images on which a trial's predictions can be looked at, with their label maps.

    They are kept of the deepest rung, of the best trials of a search (404 of others). An adopted trial shows those of
    its source.
    """
    return predictions_public(search.id, number, _predictions(store, search, number))


@router.get(
    "/searches/{search_id}/trials/{number}/predictions/{place}/{layer}",
    response_class=PictureResponse,
    responses=_PICTURES,
)
def show_prediction(
    *,
    search: SearchDep,
    number: TrialNumber,
    place: Annotated[int, Path(ge=0, le=999, description="Which of the images, from 0.")],
    layer: Layer,
    store: StoreDep,
    v: Annotated[
        str | None, Query(max_length=64, description="Digest of the picture, as listed: it may then be kept for ever.")
    ] = None,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Show a validation image, its label map, or what the trial predicts there."""
    predictions = _predictions(store, search, number)
    count = len(predictions.examples.rows)
    if place >= count:
        there = counted(count, "image is", "images are")
        raise ApiError(404, f"there is no image {place}: the {there} numbered from 0")
    content, media_type = picture(predictions, place, layer)
    tag = digest(content)
    headers = {"ETag": f'"{tag}"', "Cache-Control": UNCHANGING if v == tag else "private, no-cache"}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return PictureResponse(content, headers=headers, media_type=media_type)


def _predictions(store: Store, search: SearchRecord, number: int) -> Predictions:
    found = store.predictions(search.id, number)
    if found is None:
        trial = store.get_trial(search.id, number)
        why = (
            "it has measured nothing yet"
            if trial.iteration is None
            else "they are kept of the best trials of a search, and not of trials from before there were any"
        )
        raise ApiError(404, f"there are no predictions of trial {number} of search {search.id} to look at: {why}")
    return found
